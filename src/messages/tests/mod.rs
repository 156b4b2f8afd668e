#[test]
fn x() {
    std::fs::write("/tmp/ref.md", super::reference()).unwrap();
}
