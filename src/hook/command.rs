//! The hook as a command: no shell, what is told on its standard input, taken if it exits with 0.

use std::io::Write as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{HookError, Notification};

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Time to start and to end the command, beyond what it has itself.
const LEEWAY: Duration = Duration::from_secs(5);
/// What the command gets of our surroundings. No credential of ours is among it.
const KEPT: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

pub(super) async fn run(
    program: &str,
    arguments: &[String],
    notification: &Notification,
    signature: Option<String>,
    patience: Duration,
) -> Result<(), HookError> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(KEPT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
        .env("CAMPAIGNER_HOOK_ID", &notification.id)
        .envs(signature.map(|value| ("CAMPAIGNER_HOOK_SIGNATURE", value)));
    // What it has to say is for whoever sits there; our standard output is for data.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let body = notification.body.clone();
    // A thread that may wait: the process goes on with its own work.
    let ended = tokio::task::spawn_blocking(move || to_its_end(&mut command, body, patience));
    // A program on a disk that does not answer cannot even be started or ended.
    match tokio::time::timeout(patience + LEEWAY, ended).await.unwrap_or(Ok(Ok(None))) {
        Ok(Ok(Some(status))) if status.success() => Ok(()),
        Ok(Ok(Some(status))) => Err(HookError::for_now(format!("the command ended with {status}"))),
        Ok(Ok(None)) => Err(HookError::for_now(format!("the command did not end within {} s", patience.as_secs()))),
        Ok(Err(error)) => Err(HookError { words: format!("the command cannot be run: {error}"), may_pass: false }),
        Err(error) => Err(HookError { words: error.to_string(), may_pass: false }),
    }
}

/// Runs a command; `None` if it had to be ended.
fn to_its_end(command: &mut Command, body: Vec<u8>, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it is no worse for it, and must not hold us up.
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
    let begun = Instant::now();
    loop {
        match child.try_wait()? {
            None if begun.elapsed() < patience => std::thread::sleep(LOOK),
            ended => return Ok(ended),
        }
    }
}
