//! No file of `src/` imports itself by way of others. A parent module and its child may use each other, if no other
//! file takes part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::imports::Imports;
use super::{root, sources};

/// Files of which each imports every other, directly or by way of others.
#[derive(Debug)]
pub(super) struct Cycle<'a> {
    pub(super) files: BTreeSet<&'a str>,
    imports: &'a Imports,
}

impl Cycle<'_> {
    /// Its files, and one name for each two that it ties.
    pub(super) fn describe(&self) -> String {
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

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let packages = manifest["dependencies"].as_table().unwrap().keys();
    let dependencies: Vec<String> = packages.map(|name| name.replace('-', "_")).collect();
    let imports = Imports::of(env!("CARGO_PKG_NAME"), &dependencies, &sources("src"));
    assert!(imports.problems.is_empty(), "{:#?}", imports.problems);
    assert!(imports.edges.len() > 500);
    let cycles = cycles(&imports);
    assert!(cycles.is_empty(), "{}", cycles.iter().map(Cycle::describe).collect::<String>());
}
