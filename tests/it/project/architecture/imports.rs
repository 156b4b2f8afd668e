//! Which file uses which: each name in an import or a path, resolved to the file that defines it.
//!
//! The name of a module ties no files; the names that it leads to do. Nor does a re-export of a module's own parts,
//! unless the file uses the name itself: it only says where the name is.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Delimiter;

use super::names::{Brings, Import, Kind, Meaning, Names, import_at, imports};
use super::tokens::Token;

/// The files of a crate and what ties them.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// A file that uses a name and the file that defines it, with one such name.
    pub(super) edges: BTreeMap<(String, String), String>,
    /// Each file with the file of its parent module.
    parents: BTreeMap<String, String>,
    /// What cannot be resolved or understood.
    pub(super) problems: Vec<String>,
}

impl Imports {
    /// Those of the crate `crate_name`. `sources` are paths and texts; `dependencies` are the other crates.
    pub(super) fn of(crate_name: &str, dependencies: &[String], sources: &[(String, String)]) -> Self {
        let names = Names::read(crate_name, dependencies, sources);
        let mut found = Self { problems: names.problems.clone(), ..Self::default() };
        for (id, module) in names.modules.iter().enumerate() {
            if let Some(parent) = module.parent.map(|parent| &names.modules[parent])
                && parent.file != module.file
            {
                found.parents.insert(module.file.clone(), parent.file.clone());
            }
            let mut walk = Walk { names: &names, module: id, blocks: Vec::new(), found: &mut found };
            module.imports.iter().for_each(|import| walk.import(import));
            walk.tokens(&module.tokens);
        }
        found
    }

    /// Whether one of the files is that of the other's parent module.
    pub(super) fn are_parent_and_child(&self, one: &str, other: &str) -> bool {
        let parent = |file: &str| self.parents.get(file).map(String::as_str);
        parent(one) == Some(other) || parent(other) == Some(one)
    }
}

/// A walk through one module.
struct Walk<'a> {
    names: &'a Names,
    module: usize,
    /// The imports of each block around, the innermost last.
    blocks: Vec<Vec<Import>>,
    found: &'a mut Imports,
}

impl Walk<'_> {
    fn tokens(&mut self, tokens: &[Token]) {
        let mut rest = tokens;
        let mut before: Option<&Token> = None;
        while let [token, after @ ..] = rest {
            if let Some((_, behind)) = import_at(rest) {
                rest = behind;
                before = None;
                continue;
            }
            rest = after;
            match token {
                Token::Word(word) if word == "mod" => self.problem("a module in a block or in a macro".to_owned()),
                Token::Word(first) => {
                    let mut path = vec![first.clone()];
                    while let [Token::Separator, Token::Word(name), after @ ..] = rest {
                        path.push(name.clone());
                        rest = after;
                    }
                    // After `>::` a path goes on; after `$` stands a name that the macro is given.
                    let is_start = match before {
                        Some(Token::Separator) => false,
                        Some(Token::Sign('$')) => first == "crate",
                        _ => true,
                    };
                    if is_start && path.len() > 1 {
                        self.path(&path);
                    }
                }
                Token::Group(Delimiter::Brace, inner) => {
                    let imports = imports(inner);
                    imports.iter().for_each(|import| self.import(import));
                    self.blocks.push(imports);
                    self.tokens(inner);
                    self.blocks.pop();
                }
                Token::Group(_, inner) => self.tokens(inner),
                _ => {}
            }
            before = Some(token);
        }
    }

    /// A path in code. If it starts with a type that is not known here, that is generic, local or of the prelude.
    fn path(&mut self, path: &[String]) {
        let found = self.names.resolve(self.module, &self.blocks, path);
        if found.is_empty() && !path[0].starts_with(|first: char| first.is_ascii_uppercase()) {
            self.unresolved(path);
        }
        found.iter().for_each(|meaning| self.tie(meaning));
    }

    fn import(&mut self, import: &Import) {
        let found = self.names.resolve(self.module, &self.blocks, &import.path);
        if found.is_empty() {
            self.unresolved(&import.path);
        }
        for meaning in found {
            match (&import.brings, &meaning) {
                (Brings::Everything, Meaning::Module(of)) => self.glob(import, *of, &mut BTreeSet::new()),
                (Brings::Name(name), _) => self.tie_import(import, name, &meaning),
                _ => self.tie(&meaning),
            }
        }
    }

    /// A glob ties a file to every name that it can bring.
    fn glob(&mut self, import: &Import, of: usize, seen: &mut BTreeSet<usize>) {
        if !seen.insert(of) {
            return;
        }
        let module = &self.names.modules[of];
        let imported = module.imports.iter().filter_map(|its| match &its.brings {
            Brings::Name(name) => Some(name),
            _ => None,
        });
        for name in module.items.keys().chain(imported) {
            for meaning in self.names.lookup(of, name) {
                self.tie_import(import, name, &meaning);
            }
        }
        for its in module.imports.iter().filter(|its| its.brings == Brings::Everything) {
            for meaning in self.names.resolve(of, &[], &its.path) {
                if let Meaning::Module(of) = meaning {
                    self.glob(import, of, seen);
                }
            }
        }
    }

    /// Ties the file to what it imports as `name`, unless it only re-exports a part of its own.
    fn tie_import(&mut self, import: &Import, name: &str, meaning: &Meaning) {
        let is_own_part = match meaning {
            Meaning::Item { kind: Kind::Type | Kind::Value, module, .. } => self.names.is_inside(*module, self.module),
            _ => false,
        };
        if !(import.is_reexport && is_own_part && !mentions(&self.names.modules[self.module].tokens, name)) {
            self.tie(meaning);
        }
    }

    fn tie(&mut self, meaning: &Meaning) {
        if let Meaning::Item { module, name, .. } = meaning {
            let (user, owner) = (&self.names.modules[self.module].file, &self.names.modules[*module].file);
            if user != owner {
                self.found.edges.entry((user.clone(), owner.clone())).or_insert_with(|| name.clone());
            }
        }
    }

    fn unresolved(&mut self, path: &[String]) {
        self.problem(format!("`{}` does not resolve", path.join("::")));
    }

    fn problem(&mut self, what: String) {
        self.found.problems.push(format!("{}: {what}", self.names.modules[self.module].file));
    }
}

/// Whether a name stands in tokens on its own: not in an import, after `::`, or as a field or a method.
fn mentions(tokens: &[Token], name: &str) -> bool {
    let mut rest = tokens;
    let mut before = [None, None];
    while let [token, after @ ..] = rest {
        if let Some((_, behind)) = import_at(rest) {
            rest = behind;
            before = [None, None];
            continue;
        }
        let dot = Some(&Token::Sign('.'));
        let is_own = before[1] != Some(&Token::Separator) && (before[1] != dot || before[0] == dot);
        match token {
            Token::Word(word) if word == name && is_own => return true,
            Token::Group(_, inner) if mentions(inner, name) => return true,
            _ => {}
        }
        rest = after;
        before = [before[1], Some(token)];
    }
    false
}
