//! `scripts/check-advisories` (part of `make lint`): a hole fails it, data that can't be had does not, and it says which.
//! The tools are stood in for, because neither they nor their data are everywhere.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Ends like cargo-audit and cargo-deny: the same code for a hole and for a fetch that failed.
const CARGO: &str =
    "#!/bin/sh\ncase \"$*\" in *--no-fetch*|*--offline*) exit $HOLE;; *) exit $FETCH;; esac\n";

/// Exit code and words, with that tool, data or none, a hole in it or none, and a fetch that works or not.
fn checked(tool: Option<&str>, data: bool, hole: u8, fetch: u8) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let program = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("cargo", CARGO);
    if let Some(tool) = tool {
        program(tool, "#!/bin/sh\n");
    }
    if data {
        for place in ["advisory-db", "advisory-dbs/advisory-db-0123"] {
            std::fs::create_dir_all(folder.path().join(place).join("crates")).unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check-advisories");
    let output = Command::new("bash")
        .arg(script)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .env("CARGO_HOME", folder.path())
        .env("HOLE", hole.to_string())
        .env("FETCH", fetch.to_string())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr]
        .map(|said| String::from_utf8_lossy(&said).into_owned())
        .concat();
    (output.status.code(), said)
}

#[test]
fn a_hole_fails_and_missing_data_does_not() {
    for tool in ["cargo-audit", "cargo-deny"] {
        for fetch in [0, 1] {
            let (code, said) = checked(Some(tool), true, 1, fetch);
            assert_eq!(code, Some(1), "{tool}, fetch {fetch}: {said}");
            let (code, said) = checked(Some(tool), true, 0, fetch);
            assert_eq!(code, Some(0), "{tool}, fetch {fetch}: {said}");
            assert!(!said.contains("not checked"), "{said}");
        }
        let (code, said) = checked(Some(tool), false, 1, 1);
        assert_eq!(code, Some(0), "{tool}: {said}");
        assert!(
            said.contains("no advisory data") && said.contains("not checked"),
            "{said}"
        );
    }
    let (code, said) = checked(None, true, 1, 1);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("no cargo-audit") && said.contains("not checked"),
        "{said}"
    );
}
