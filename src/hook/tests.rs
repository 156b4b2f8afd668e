//! Tests of the signature against a published test vector, and of hooks that are commands.

use std::time::Duration;

use super::*;

fn notification() -> Notification {
    Notification { id: "sale-1@7".to_owned(), body: br#"{"event":"done"}"#.to_vec() }
}

#[test]
fn the_signature_is_that_of_rfc_4231() {
    // Test case 2 of RFC 4231.
    let signed = signature(&"Jefe".into(), b"what do ya want for nothing?");
    assert_eq!(signed, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn a_url_is_https_or_of_this_machine() {
    assert!(Hook::url("https://example.com/hook?token=a", None).is_ok());
    assert!(Hook::url("http://127.0.0.1:1/hook", None).is_ok());
    assert_eq!(Hook::url("http://example.com/hook", None).unwrap_err(), BadBaseUrl::Insecure);
    assert_eq!(Hook::url("https://me:pass@example.com/", None).unwrap_err(), BadBaseUrl::Password);
    assert!(Hook::url("example.com", None).is_err());
    let hook = Hook::url("https://example.com/", Some("geheim".into())).unwrap();
    assert!(!format!("{hook:?}").contains("geheim"));
}

#[tokio::test]
async fn a_command_gets_the_body_on_its_input_and_no_other_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("received");
    let script = r#"cat > "$1"; env >> "$1""#;
    let arguments = ["-c", script, "sh", file.to_str().unwrap()].map(str::to_owned).to_vec();
    Hook::command("/bin/sh".to_owned(), arguments, Some("Jefe".into())).call(&notification()).await.unwrap();
    let got = std::fs::read_to_string(file).unwrap();
    assert!(got.starts_with(r#"{"event":"done"}"#) && got.contains("CAMPAIGNER_HOOK_ID=sale-1@7"), "{got}");
    assert!(got.contains("CAMPAIGNER_HOOK_SIGNATURE=sha256=") && !got.contains("Jefe"), "{got}");
    // Cargo sets this variable for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !got.contains("CARGO_MANIFEST_DIR"), "{got}");
}

#[tokio::test]
async fn a_command_that_fails_hangs_or_is_missing_is_an_error() {
    let sh = |script: &str| ["-c", script].map(str::to_owned).to_vec();
    let call = async |program: &str, script: &str, patience| {
        command::run(program, &sh(script), &notification(), None, patience).await.unwrap_err()
    };
    let long = Duration::from_secs(30);
    let failed = call("/bin/sh", "exit 3", long).await;
    assert!(failed.may_pass && failed.words.contains("exit status 3"), "{failed}");
    let hangs = call("/bin/sh", "exec sleep 60", Duration::from_millis(100)).await;
    assert!(hangs.may_pass && hangs.words.contains("did not end"), "{hangs}");
    let missing = call("/no/such/program", "", long).await;
    assert!(!missing.may_pass && missing.words.contains("cannot run the command"), "{missing}");
}
