//! The modules of a crate, and what a name means in each of them.

use std::collections::{BTreeMap, HashMap};

use proc_macro2::Delimiter;

use super::tokens::{Token, tokens};

/// What a path may start with that is neither a module nor a dependency: the standard library, the tools that
/// attributes name, and a library that is not called like its package.
const OUTSIDE: [&str; 6] = ["std", "core", "alloc", "clippy", "rustfmt", "md5"];

/// Types that every module knows and that are written in lower case.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize",
];

/// What one leaf of a `use` makes known.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    pub(super) brings: Brings,
    /// Whether it is a `pub use`, of whatever visibility.
    pub(super) is_reexport: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Brings {
    Name(String),
    Everything,
    /// `as _`
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its variants and functions follow it in a path.
    Type,
    /// Like a type. Its methods are used without its name.
    Trait,
    /// A function, a constant or a macro: nothing follows it.
    Value,
}

/// What a name means.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Module(usize),
    Item {
        kind: Kind,
        module: usize,
        name: String,
    },
    /// Something of another crate.
    Outside,
}

#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) parent: Option<usize>,
    /// Its tokens, without those of its own modules.
    pub(super) tokens: Vec<Token>,
    pub(super) imports: Vec<Import>,
    pub(super) items: BTreeMap<String, Vec<Meaning>>,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    crate_name: String,
    dependencies: Vec<String>,
    sources: HashMap<String, String>,
    pub(super) modules: Vec<Module>,
    pub(super) problems: Vec<String>,
}

/// The names on the way to the one that is looked up, so that imports that lead back to themselves end.
type Seen = Vec<(usize, String)>;

impl Names {
    /// Reads the crate of `src/lib.rs`, and that of `src/main.rs` if there is one, which knows the first by its name.
    pub(super) fn read(crate_name: &str, dependencies: &[String], sources: &[(String, String)]) -> Self {
        let mut names = Self {
            crate_name: crate_name.to_owned(),
            dependencies: dependencies.to_vec(),
            sources: sources.iter().cloned().collect(),
            ..Self::default()
        };
        for root in ["src/lib.rs", "src/main.rs"] {
            if names.sources.contains_key(root) {
                names.read_file(root, "src", None);
            }
        }
        names
    }

    /// Reads a file and those of its modules, which are in `folder`. Returns its module.
    fn read_file(&mut self, file: &str, folder: &str, parent: Option<usize>) -> usize {
        let tokens = tokens(&self.sources[file]).unwrap_or_else(|problem| {
            self.problems.push(format!("{file}: {problem}"));
            Vec::new()
        });
        self.read_module(file, folder, parent, &tokens)
    }

    fn read_module(&mut self, file: &str, folder: &str, parent: Option<usize>, tokens: &[Token]) -> usize {
        let id = self.modules.len();
        self.modules.push(Module { file: file.to_owned(), parent, imports: imports(tokens), ..Module::default() });
        let mut rest = tokens;
        while let [token, after @ ..] = rest {
            rest = after;
            match (token.word(), after) {
                (Some("mod"), [Token::Word(name), end, after @ ..]) => {
                    rest = after;
                    self.read_child(id, folder, name, end);
                    continue;
                }
                (Some("macro_rules"), [Token::Sign('!'), Token::Word(name), Token::Group(_, body), ..]) => {
                    self.note_macro(id, name, body);
                }
                (Some(keyword), [Token::Word(name), ..]) => self.note_item(id, keyword, name),
                _ => {}
            }
            self.modules[id].tokens.push(token.clone());
        }
        id
    }

    /// Reads the module that `mod name` declares, which ends with its body or with a semicolon.
    fn read_child(&mut self, parent: usize, folder: &str, name: &str, end: &Token) {
        let file = self.modules[parent].file.clone();
        let folder = format!("{folder}/{name}");
        let child = if let Some(body) = end.group(Delimiter::Brace) {
            self.read_module(&file, &folder, Some(parent), body)
        } else {
            let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            let Some(file) = files.iter().find(|file| self.sources.contains_key(*file)) else {
                self.problems.push(format!("{file}: `mod {name}` has no file"));
                return;
            };
            self.read_file(file, &folder, Some(parent))
        };
        self.modules[parent].items.entry(name.to_owned()).or_default().push(Meaning::Module(child));
    }

    /// Notes the item that `keyword` defines, if it is the keyword of one.
    fn note_item(&mut self, module: usize, keyword: &str, name: &str) {
        let kind = match keyword {
            "struct" | "enum" | "union" | "type" => Kind::Type,
            "trait" => Kind::Trait,
            "fn" | "const" | "static" | "macro_rules" => Kind::Value,
            _ => return,
        };
        let item = Meaning::Item { kind, module, name: name.to_owned() };
        self.modules[module].items.entry(name.to_owned()).or_default().push(item);
    }

    /// Notes a macro, and the items that it defines by name. They belong to the module that has the macro: if another
    /// one uses it, they do not resolve.
    fn note_macro(&mut self, module: usize, name: &str, body: &[Token]) {
        self.note_item(module, "macro_rules", name);
        for rule in body.iter().filter_map(|rule| rule.group(Delimiter::Brace)) {
            for pair in rule.windows(2) {
                if let [Token::Word(keyword), Token::Word(name)] = pair {
                    self.note_item(module, keyword, name);
                }
            }
        }
    }

    /// Whether `module` is inside `outer`, at any depth.
    pub(super) fn is_inside(&self, mut module: usize, outer: usize) -> bool {
        while let Some(parent) = self.modules[module].parent {
            if parent == outer {
                return true;
            }
            module = parent;
        }
        false
    }

    fn root_of(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    fn parent_of(&self, module: usize) -> Vec<Meaning> {
        self.modules[module].parent.map(Meaning::Module).into_iter().collect()
    }

    /// Everything that `path` means in `module`, within `blocks` that have imports of their own. Empty if the path does
    /// not resolve.
    pub(super) fn resolve(&self, module: usize, blocks: &[Vec<Import>], path: &[String]) -> Vec<Meaning> {
        self.resolve_path(module, blocks, path, &mut Seen::new())
    }

    /// Everything that `name` means in `module`.
    pub(super) fn lookup(&self, module: usize, name: &str) -> Vec<Meaning> {
        self.in_module(module, name, &mut Seen::new())
    }

    fn resolve_path(&self, module: usize, blocks: &[Vec<Import>], path: &[String], seen: &mut Seen) -> Vec<Meaning> {
        let Some((first, mut rest)) = path.split_first() else { return Vec::new() };
        let mut found = match first.as_str() {
            "crate" => vec![Meaning::Module(self.root_of(module))],
            "self" => vec![Meaning::Module(module)],
            "super" => self.parent_of(module),
            name => self.in_scope(module, blocks, name, rest.is_empty(), seen),
        };
        while let Some((name, after)) = rest.split_first() {
            rest = after;
            let modules: Vec<usize> =
                found.iter().filter_map(|one| if let Meaning::Module(id) = one { Some(*id) } else { None }).collect();
            if modules.is_empty() {
                // The rest belongs to a type or to another crate.
                found.retain(can_be_followed);
                return found;
            }
            let next = |id| if name == "super" { self.parent_of(id) } else { self.in_module(id, name, seen) };
            found = modules.into_iter().flat_map(next).collect();
        }
        found
    }

    /// What the first name of a path means; `is_last` if it is the whole path.
    fn in_scope(
        &self,
        module: usize,
        blocks: &[Vec<Import>],
        name: &str,
        is_last: bool,
        seen: &mut Seen,
    ) -> Vec<Meaning> {
        let fits = |one: &Meaning| is_last || can_be_followed(one);
        for (depth, imports) in blocks.iter().enumerate().rev() {
            let mut found = self.imported(module, &blocks[..depth], imports, name, seen);
            found.retain(fits);
            if !found.is_empty() {
                return found;
            }
        }
        let mut found = self.in_module(module, name, seen);
        found.retain(fits);
        if !found.is_empty() {
            return found;
        }
        if name == self.crate_name {
            return vec![Meaning::Module(0)];
        }
        let is_outside = OUTSIDE.contains(&name)
            || PRIMITIVES.contains(&name)
            || self.dependencies.iter().any(|dependency| dependency == name);
        if is_outside { vec![Meaning::Outside] } else { Vec::new() }
    }

    fn in_module(&self, module: usize, name: &str, seen: &mut Seen) -> Vec<Meaning> {
        let place = (module, name.to_owned());
        if seen.contains(&place) {
            return Vec::new();
        }
        seen.push(place);
        let mut found = self.modules[module].items.get(name).cloned().unwrap_or_default();
        found.extend(self.imported(module, &[], &self.modules[module].imports, name, seen));
        seen.pop();
        found
    }

    /// What `name` means by these imports: by those that name it, else by globs.
    fn imported(
        &self,
        module: usize,
        blocks: &[Vec<Import>],
        imports: &[Import],
        name: &str,
        seen: &mut Seen,
    ) -> Vec<Meaning> {
        let mut found = Vec::new();
        for import in imports.iter().filter(|import| matches!(&import.brings, Brings::Name(its) if its == name)) {
            found.extend(self.resolve_path(module, blocks, &import.path, seen));
        }
        if found.is_empty() {
            for import in imports.iter().filter(|import| import.brings == Brings::Everything) {
                for from in self.resolve_path(module, blocks, &import.path, seen) {
                    if let Meaning::Module(from) = from {
                        found.extend(self.in_module(from, name, seen));
                    }
                }
            }
        }
        found
    }
}

/// Whether more of a path can follow.
fn can_be_followed(meaning: &Meaning) -> bool {
    !matches!(meaning, Meaning::Item { kind: Kind::Value, .. })
}

/// The imports that stand directly among these tokens.
pub(super) fn imports(tokens: &[Token]) -> Vec<Import> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if let Some((tree, _)) = import_at(&tokens[at..]) {
            let is_reexport = match &tokens[..at] {
                [.., public, Token::Group(Delimiter::Parenthesis, _)] | [.., public] => public.is("pub"),
                [] => false,
            };
            leaves(tree, &[], is_reexport, &mut found);
        }
    }
    found
}

/// If these tokens start with an import: its tree, and what follows it. The `use<…>` of a type is none.
pub(super) fn import_at(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    match tokens {
        [word, tree @ ..] if word.is("use") && tree.first() != Some(&Token::Sign('<')) => {
            let end = tree.iter().position(|token| *token == Token::Sign(';'))?;
            Some((&tree[..end], &tree[end + 1..]))
        }
        _ => None,
    }
}

/// The leaves of `a::{b as c, d::*, self}` after the path `before`.
fn leaves(tree: &[Token], before: &[String], is_reexport: bool, found: &mut Vec<Import>) {
    let mut path = before.to_vec();
    let mut rest = tree;
    while let [token, after @ ..] = rest {
        rest = after;
        match token {
            Token::Word(word) if word == "self" && !path.is_empty() => {}
            Token::Word(word) if word == "as" => {
                let brings = match after {
                    [Token::Word(alias), ..] if alias != "_" => Brings::Name(alias.clone()),
                    _ => Brings::Nothing,
                };
                return found.push(Import { path, brings, is_reexport });
            }
            Token::Word(word) => path.push(word.clone()),
            Token::Sign('*') => return found.push(Import { path, brings: Brings::Everything, is_reexport }),
            Token::Group(_, trees) => {
                let trees = trees.split(|token| *token == Token::Sign(',')).filter(|tree| !tree.is_empty());
                return trees.for_each(|tree| leaves(tree, &path, is_reexport, found));
            }
            _ => {}
        }
    }
    let brings = path.last().cloned().map_or(Brings::Nothing, Brings::Name);
    found.push(Import { path, brings, is_reexport });
}
