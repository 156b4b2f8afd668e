//! The search for import cycles on small made-up sources.

use super::cycles::cycles;
use super::imports::Imports;

/// A made-up file: its path in `src/` and its text.
type File<'t> = (&'t str, &'t str);

fn imports(files: &[File<'_>]) -> Imports {
    let sources: Vec<_> = files.iter().map(|(path, text)| (format!("src/{path}"), (*text).to_owned())).collect();
    Imports::of("made_up", &["serde".to_owned()], &sources)
}

/// The ties between these files, where all resolves.
fn ties(files: &[File<'_>]) -> Vec<String> {
    let found = imports(files);
    assert_eq!(found.problems, [""; 0]);
    let short = |path: &str| path.trim_start_matches("src/").to_owned();
    found.edges.iter().map(|((user, owner), name)| format!("{} {name} {}", short(user), short(owner))).collect()
}

/// The files of each cycle, where all resolves.
fn files_in_cycles(files: &[File<'_>]) -> Vec<String> {
    let found = imports(files);
    assert_eq!(found.problems, [""; 0]);
    let join = |files: Vec<&str>| files.join(" ").replace("src/", "");
    cycles(&found).into_iter().map(|cycle| join(cycle.files.into_iter().collect())).collect()
}

#[test]
fn re_exports_are_followed_to_the_file_that_defines_the_name() {
    let found = ties(&[
        ("lib.rs", "mod a; mod m;"),
        ("a.rs", "use crate::m::{Renamed, T as U};"),
        ("m/mod.rs", "mod inner; pub use inner::{Renamed, T};"),
        (
            "m/inner/mod.rs",
            "mod deep; mod own; pub(crate) use self::deep::Deep as Renamed; pub(in crate::m) use own::T;",
        ),
        ("m/inner/deep.rs", "pub struct Deep;"),
        ("m/inner/own.rs", "pub enum T { One }"),
    ]);
    assert_eq!(found, ["a.rs Deep m/inner/deep.rs", "a.rs T m/inner/own.rs"]);
}

#[test]
fn a_re_export_of_own_parts_is_a_use_if_the_file_names_them_itself() {
    let parts = |parent| ties(&[("lib.rs", "mod m;"), ("m.rs", parent), ("m/a.rs", "pub struct A; pub fn f() {}")]);
    let none = [""; 0];
    assert_eq!(parts("mod a; pub use a::{A, f}; fn g(x: X) { x.f().A; X::f(); }"), none);
    assert_eq!(parts("mod a; pub use a::*;"), none);
    assert_eq!(parts("mod a; pub use a::{A, f}; fn g() { (0..f()) }"), ["m.rs f m/a.rs"]);
    assert_eq!(parts("mod a; pub use a::*; struct M(A);"), ["m.rs A m/a.rs"]);
    assert_eq!(parts("mod a; pub use a::A as B; struct M(B);"), ["m.rs A m/a.rs"]);
    assert_eq!(parts("mod a; use a::A;"), ["m.rs A m/a.rs"]);
}

#[test]
fn a_re_export_of_a_trait_or_of_another_modules_parts_is_a_use() {
    let found = ties(&[
        ("lib.rs", "mod a; mod m;"),
        ("a.rs", "pub struct A;"),
        ("m/mod.rs", "mod t; pub use crate::a::A; pub use t::T;"),
        ("m/t.rs", "pub trait T { fn f(&self) {} }"),
    ]);
    assert_eq!(found, ["m/mod.rs A a.rs", "m/mod.rs T m/t.rs"]);
}

#[test]
fn a_glob_ties_a_file_to_every_name_that_it_brings() {
    let found = ties(&[
        ("lib.rs", "mod a; mod b; mod m;"),
        ("a.rs", "use crate::m::*; fn f() { inner::g(); }"),
        ("b.rs", "use super::m::inner::E::*;"),
        ("m/mod.rs", "pub mod inner; pub use crate::m::inner::*; pub const OWN: u8 = 0;"),
        ("m/inner.rs", "pub fn g() {} pub enum E { One }"),
    ]);
    assert_eq!(found, ["a.rs E m/inner.rs", "a.rs OWN m/mod.rs", "b.rs E m/inner.rs"]);
}

#[test]
fn nested_braces_and_names_of_modules_lead_to_each_name() {
    let found = ties(&[
        ("lib.rs", "mod a; mod m;"),
        ("a.rs", "use crate::{m::{self, b::{B, self as two}, M as _}}; fn f() { m::c::g::<u8>(); two::h() }"),
        ("m/mod.rs", "pub mod b; pub mod c; pub struct M;"),
        ("m/b.rs", "pub struct B; pub fn h() {}"),
        ("m/c.rs", "pub fn g<T>() {}"),
    ]);
    assert_eq!(found, ["a.rs B m/b.rs", "a.rs g m/c.rs", "a.rs M m/mod.rs"]);
}

#[test]
fn the_name_of_a_module_alone_is_no_tie() {
    let found =
        ties(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b; pub(in crate::a) struct A;"), ("b.rs", "")]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn paths_are_found_wherever_they_stand_in_code() {
    let found = |code: &str| {
        ties(&[("lib.rs", "mod a; mod b;"), ("a.rs", code), ("b.rs", "pub struct B; pub fn f() {} pub fn g() {}")])
    };
    for code in [
        "fn h() { crate::b::f(); }",
        "fn h() { super::b::f(); }",
        "fn h() { println!(\"{}\", vec![crate::b::f()]); }",
        "#[arg(value_parser = crate::b::f)] struct A;",
        "#[serde(with = \"crate::b::f\")] struct A;",
        "macro_rules! m { () => { $crate::b::f() } }",
        "mod inner { mod more { fn h() { super::super::super::b::f() } } }",
        "fn h() { use crate::b; { b::f() } }",
        "fn h() { use crate::b::f; fn i() { f() } }",
        "fn h(b: u8) -> impl Fn() + use<'static> { use crate::b::f; f }",
    ] {
        assert_eq!(found(code), ["a.rs f b.rs"], "{code}");
    }
    assert_eq!(
        found("struct A(Box<crate::b::B>); impl A { fn f() { <B as Into<crate::b::B>>::into() } }"),
        ["a.rs B b.rs"]
    );
    for code in [
        "//! crate::b::f",
        "/// [`crate::b::f`] and `use crate::b::f;`\nstruct A;",
        "/* use crate::b::f; */ const A: &str = \"use crate::b::f;\"; const B: &str = r#\"\"crate::b::f\"#;",
        "use std::{fmt, io as f}; use serde::Deserialize; fn h<T: Iterator>() { u8::MAX; serde::f(); T::Item; fmt::f() }",
        "#[allow(clippy::f)] fn h() { Vec::<u8>::f(); Self::f() }",
    ] {
        assert_eq!(found(code), [""; 0], "{code}");
    }
}

#[test]
fn a_function_does_not_hide_the_module_of_its_name() {
    let found = ties(&[
        ("lib.rs", "mod a; mod m;"),
        ("a.rs", "use crate::m::verify; fn f() { verify(); verify::g() }"),
        ("m.rs", "pub mod verify; pub fn verify() {}"),
        ("m/verify.rs", "pub fn g() {}"),
    ]);
    assert_eq!(found, ["a.rs verify m.rs", "a.rs g m/verify.rs"]);
}

#[test]
fn the_binary_knows_the_library_by_its_name() {
    let found = ties(&[
        ("lib.rs", "pub mod a;"),
        ("a.rs", "pub fn main() {}"),
        ("main.rs", "mod b; fn main() { made_up::a::main(); crate::b::f(); }"),
        ("b.rs", "pub fn f() {}"),
    ]);
    assert_eq!(found, ["main.rs main a.rs", "main.rs f b.rs"]);
}

#[test]
fn a_macro_defines_items_in_its_own_module() {
    let found = ties(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::{Point, points};"),
        (
            "b.rs",
            "macro_rules! points { ($($p:ident),*) => { pub enum Point { $($p),* } } } points! { One } pub(crate) use points;",
        ),
    ]);
    assert_eq!(found, ["a.rs Point b.rs"]);
}

#[test]
fn what_only_tests_see_is_left_out() {
    let tests = "
        #[cfg(test)] mod tests;
        #[cfg(test)] #[path = \"b_tests.rs\"] mod more;
        #[cfg(all(test, unix))] mod within { use crate::b::f; }
        #[cfg(test)] use crate::b::{f, B};
        #[cfg(test)] pub(crate) const fn g() -> [u8; 2] { crate::b::f() }
        #[cfg(test)] const C: B = B { b: crate::b::f() };
        #[cfg(test)] impl<'a, T> A<'a, T> where T: Fn() { fn h() { crate::b::f() } }
        #[test] fn i() { crate::b::f() }
    ";
    let lib = ("lib.rs", "mod a; mod b;");
    let b = ("b.rs", "pub struct B; pub fn f() {} pub fn after() {}");
    let with = format!("{tests} fn g() {{ crate::b::after() }}");
    assert_eq!(ties(&[lib, ("a.rs", &with), b, ("a/tests.rs", "use crate::b::f;")]), ["a.rs after b.rs"]);
    assert_eq!(ties(&[lib, ("a.rs", "#![cfg(test)] use crate::b::f;"), b]), [""; 0]);
    for seen in ["cfg(not(test))", "cfg(any(test, unix))", "cfg(unix)"] {
        assert_eq!(ties(&[lib, ("a.rs", &format!("#[{seen}] use crate::b::f;")), b]), ["a.rs f b.rs"]);
    }
}

#[test]
fn what_does_not_resolve_is_a_problem() {
    for code in [
        "use crate::c::C;",
        "use crate::b::C;",
        "use super::b::{B, C};",
        "use super::super::b::B;",
        "use nowhere::C;",
        "use Nowhere::C;",
        "use crate::c::*;",
        "fn f() { crate::b::c(); }",
        "fn f() { b::f(); }",
        "fn f() { use crate::b; } fn g() { b::f(); }",
        "mod c;",
        "m! { mod c; }",
        "#[path = \"b.rs\"] mod c;",
        "fn f() { match x { #[cfg(test)] X => {} } }",
        "fn f( {}",
    ] {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", code), ("b.rs", "pub struct B; pub fn f() {}")];
        let problems = imports(&files).problems;
        assert!(problems.len() == 1 && problems[0].starts_with("src/a.rs: "), "{code}: {problems:?}");
    }
}

#[test]
fn re_exports_that_lead_back_to_themselves_end() {
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "pub use crate::b::X;"), ("b.rs", "pub use crate::a::X;")];
    assert_eq!(imports(&files).problems.len(), 2);
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "pub use crate::b::*;"), ("b.rs", "pub use crate::a::*;")];
    assert_eq!(ties(&files), [""; 0]);
}

#[test]
fn two_files_that_use_each_other_are_a_cycle() {
    let found = files_in_cycles(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "pub struct B(crate::a::A);"),
        ("c.rs", "use crate::a::A;"),
    ]);
    assert_eq!(found, ["a.rs b.rs"]);
}

#[test]
fn three_files_that_use_each_other_in_turn_are_a_cycle_by_whatever_way_they_name_each_other() {
    let found = files_in_cycles(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; pub use a::A; pub use b::B; pub use c::C;"),
        ("a.rs", "pub struct A(crate::B);"),
        ("b.rs", "use crate::C; pub struct B;"),
        ("c.rs", "pub struct C(Vec<super::a::A>);"),
        ("d.rs", "use crate::A;"),
    ]);
    assert_eq!(found, ["a.rs b.rs c.rs"]);
}

#[test]
fn a_parent_and_its_children_may_use_each_other() {
    let found = files_in_cycles(&[
        ("lib.rs", "mod m;"),
        ("m/mod.rs", "mod a; mod b; pub struct M; fn f() { a::f(); b::f(); }"),
        ("m/a/mod.rs", "mod deep; use super::M; pub fn f() {} fn g() { deep::f(); }"),
        ("m/a/deep.rs", "pub fn f() { super::f() }"),
        ("m/b.rs", "pub fn f(m: super::M) {}"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_cycle_of_a_parent_and_a_child_by_way_of_another_file_is_one() {
    let by_a_sibling = files_in_cycles(&[
        ("lib.rs", "mod m;"),
        ("m/mod.rs", "mod a; mod b; mod c; pub struct M; fn f() { a::f(); c::f(); }"),
        ("m/a.rs", "pub fn f() { super::b::f() }"),
        ("m/b.rs", "pub fn f(m: super::M) {}"),
        ("m/c.rs", "pub fn f(m: super::M) {}"),
    ]);
    assert_eq!(by_a_sibling, ["m/a.rs m/b.rs m/mod.rs"], "`c` is not part of it");
    let by_a_grandchild = files_in_cycles(&[
        ("lib.rs", "mod m;"),
        ("m/mod.rs", "mod a; pub struct M; fn f() { a::f(); }"),
        ("m/a/mod.rs", "mod deep; pub fn f() { deep::f() }"),
        ("m/a/deep.rs", "pub fn f(m: crate::m::M) {}"),
    ]);
    assert_eq!(by_a_grandchild, ["m/a/deep.rs m/a/mod.rs m/mod.rs"]);
}

#[test]
fn a_cycle_is_reported_with_the_names_that_tie_its_files() {
    let found = imports(&[
        ("lib.rs", "mod m;"),
        ("m/mod.rs", "mod a; mod b;"),
        ("m/a.rs", "use super::b::B; pub struct A;"),
        ("m/b.rs", "use super::a::A; pub struct B;"),
    ]);
    let output =
        "a cycle of 2 files:\n  src/m/a.rs\n    uses `B` of src/m/b.rs\n  src/m/b.rs\n    uses `A` of src/m/a.rs\n";
    assert_eq!(cycles(&found).iter().map(|cycle| cycle.describe()).collect::<Vec<_>>(), [output]);
}
