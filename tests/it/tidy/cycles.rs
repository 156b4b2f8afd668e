//! No file of `src/` imports itself by way of others. A parent module and its child may use each other, if no other
//! file takes part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::imports::Imports;
use super::{module, root, sources};

/// The modules that still have cycles, with the number of files in them. Nothing is added here: a number only goes
/// down, and a module without cycles goes.
#[rustfmt::skip] // one module a line
const STILL_IN_CYCLES: &[(&str, usize)] = &[
    ("message", 10),
    ("provider", 5),
    ("render", 6),
    ("report", 5),
    ("simulator", 12),
    ("template", 12),
    ("yaml", 6),
];

/// Files of which each imports every other, directly or by way of others.
#[derive(Debug)]
pub(super) struct Cycle<'a> {
    pub(super) files: BTreeSet<&'a str>,
    imports: &'a Imports,
}

impl Cycle<'_> {
    /// The modules of its files.
    fn modules(&self) -> BTreeSet<&str> {
        self.files.iter().map(|file| module(file)).collect()
    }

    /// Its files, and one name for each two that it ties.
    fn describe(&self) -> String {
        let mut text = format!("a cycle of {} files:\n", self.files.len());
        for file in &self.files {
            writeln!(text, "  {file}").unwrap();
            for ((user, owner), name) in &self.imports.edges {
                if user == file && self.files.contains(owner.as_str()) {
                    writeln!(text, "    uses `{name}` of {owner}").unwrap();
                }
            }
        }
        text
    }
}

/// The cycles among the files of a crate.
pub(super) fn cycles(imports: &Imports) -> Vec<Cycle<'_>> {
    let mut used: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (user, owner) in imports.edges.keys() {
        used.entry(user).or_default().push(owner);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = used.keys().map(|file| (*file, reached_from(file, &used))).collect();
    let mut cycles: Vec<Cycle<'_>> = Vec::new();
    for (file, others) in &reached {
        let is_new = !cycles.iter().any(|cycle| cycle.files.contains(file));
        if is_new && others.contains(file) {
            let reaches_back = |other: &&str| reached.get(other).is_some_and(|its| its.contains(file));
            cycles.push(Cycle { files: others.iter().copied().filter(reaches_back).collect(), imports });
        }
    }
    for cycle in &mut cycles {
        leave_out_allowed(cycle);
    }
    cycles.retain(|cycle| cycle.files.len() > 1);
    cycles
}

/// Everything that a file uses, directly or by way of others.
fn reached_from<'a>(file: &str, used: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = used[file].clone();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(used.get(file).into_iter().flatten());
        }
    }
    reached
}

/// Takes out each file that only its parent or one child ties to the cycle, until none is left of that kind.
fn leave_out_allowed(cycle: &mut Cycle<'_>) {
    loop {
        let neighbours = |file: &str| -> BTreeSet<&str> {
            let edges = cycle.imports.edges.keys().map(|(user, owner)| (user.as_str(), owner.as_str()));
            edges
                .filter_map(|(user, owner)| match file {
                    _ if user == file => Some(owner),
                    _ if owner == file => Some(user),
                    _ => None,
                })
                .filter(|other| cycle.files.contains(other))
                .collect()
        };
        let allowed = cycle.files.iter().copied().find(|file| {
            let neighbours = neighbours(file);
            neighbours.len() == 1 && neighbours.iter().all(|other| cycle.imports.are_parent_and_child(file, other))
        });
        match allowed {
            Some(file) => cycle.files.remove(file),
            None => return,
        };
    }
}

/// What is wrong with these cycles, if those of the modules in `listed` are known.
pub(super) fn complaints(cycles: &[Cycle<'_>], listed: &[(&str, usize)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut counts: BTreeMap<&str, usize> = listed.iter().map(|(module, _)| (*module, 0)).collect();
    let (across, within): (Vec<_>, Vec<_>) = cycles.iter().partition(|cycle| cycle.modules().len() > 1);
    for cycle in within {
        cycle.modules().into_iter().for_each(|module| *counts.entry(module).or_default() += cycle.files.len());
    }
    for cycle in across {
        // These modules are counted when they no longer import each other.
        counts.retain(|module, _| !cycle.modules().contains(module));
        let modules: Vec<_> = cycle.modules().iter().map(|module| format!("`{module}`")).collect();
        complaints.push(format!("{} import each other: {}", modules.join(", "), cycle.describe()));
    }
    for (module, count) in counts {
        let limit = listed.iter().find(|(its, _)| *its == module).map_or(0, |(_, limit)| *limit);
        let has = format!("`{module}` has {count} files in import cycles");
        if count > limit {
            let own = cycles.iter().filter(|cycle| cycle.modules().iter().eq([&module]));
            let text: String = own.map(Cycle::describe).collect();
            complaints.push(format!("{has}, {limit} are listed: {text}"));
        } else if count == 0 {
            complaints.push(format!("`{module}` has no import cycle: delete its entry"));
        } else if count < limit {
            complaints.push(format!("{has}, {} fewer than listed: lower it", limit - count));
        }
    }
    complaints
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let packages = manifest["dependencies"].as_table().unwrap().keys();
    let dependencies: Vec<String> = packages.map(|name| name.replace('-', "_")).collect();
    let imports = Imports::of(env!("CARGO_PKG_NAME"), &dependencies, &sources("src"));
    assert!(imports.problems.is_empty(), "{:#?}", imports.problems);
    assert!(imports.edges.len() > 500);
    let complaints = complaints(&cycles(&imports), STILL_IN_CYCLES);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
