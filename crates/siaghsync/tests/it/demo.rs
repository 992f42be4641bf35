//! The first thing that a new user runs.

use std::process::Command;

#[test]
fn the_demo_ends_in_agreement() {
    let output = Command::new(env!("CARGO_BIN_EXE_siaghsync"))
        .args(["demo", "--once"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{shown}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        shown.contains("✅ Both systems agree on every customer and every document."),
        "{shown}"
    );
    assert!(
        shown.contains("found finance"),
        "the lost answer was found again:\n{shown}"
    );
    assert!(
        shown.contains("issued as pre-invoice") && shown.contains("1234567890123.45"),
        "a quote was issued:\n{shown}"
    );
}
