//! The hook as a command: runs without a shell, gets the body on its standard input, and succeeds if it exits with 0.

use std::io::Write as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{HookError, Notification};

/// How often to check whether the command has ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Extra time to start and to stop the command.
const LEEWAY: Duration = Duration::from_secs(5);
/// The environment variables that the command inherits. None holds a credential of campaigner.
const INHERITED: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

pub(super) async fn run(
    program: &str,
    arguments: &[String],
    notification: &Notification,
    signature: Option<String>,
    patience: Duration,
) -> Result<(), HookError> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(INHERITED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
        .env("CAMPAIGNER_HOOK_ID", &notification.id)
        .envs(signature.map(|value| ("CAMPAIGNER_HOOK_SIGNATURE", value)));
    // The command may print errors, but standard output is only for data.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let body = notification.body.clone();
    let ended = tokio::task::spawn_blocking(move || run_to_end(&mut command, body, patience));
    // If the disk with the program hangs, even starting or killing it blocks.
    match tokio::time::timeout(patience + LEEWAY, ended).await.unwrap_or(Ok(Ok(None))) {
        Ok(Ok(Some(status))) if status.success() => Ok(()),
        Ok(Ok(Some(status))) => {
            let how = status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"));
            Err(HookError::for_now(format!("the command failed with {how}")))
        }
        Ok(Ok(None)) => Err(HookError::for_now(format!("the command did not end within {} s", patience.as_secs()))),
        Ok(Err(error)) => Err(HookError { words: format!("cannot run the command: {error}"), may_pass: false }),
        Err(error) => Err(HookError { words: error.to_string(), may_pass: false }),
    }
}

/// Runs a command; returns `None` if it had to be killed.
fn run_to_end(command: &mut Command, body: Vec<u8>, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input must not block the caller.
        std::thread::spawn(move || stdin.write_all(&body));
    }
    let ended = ended_within(&mut child, patience);
    if !matches!(ended, Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

fn ended_within(child: &mut Child, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        match child.try_wait()? {
            None if started.elapsed() < patience => std::thread::sleep(CHECK_INTERVAL),
            ended => return Ok(ended),
        }
    }
}
