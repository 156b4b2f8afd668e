//! `campaigner simulator`: runs the simulated provider on its own; flags set its faults.

use std::net::SocketAddr;
use std::time::Duration;

use crate::campaign_file;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::output::console;
use crate::simulator::{Behaviour, Simulator};
use crate::text;

/// The arguments of `simulator`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Listen on this loopback address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8099")]
    listen: SocketAddr,
    /// Wait this long before each answer to a send
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    latency: Duration,
    /// Answer this share of sends (0 to 1) with HTTP 500
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    error_rate: f64,
    /// Accept the message in this share of sends, but close the connection without an answer
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    drop_rate: f64,
    /// Accept the message in this share of sends, but never answer
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    hang_rate: f64,
    /// Refuse sends above N per second, with HTTP 429 (Meta: error 130429)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    throttle: Option<u32>,
    /// Hold this share of messages for quality assessment (Meta only): their statuses arrive late, and messages that
    /// fail get error 132015
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    held: f64,
    /// Pause a template after N messages: refuse further ones with error 132015 (Meta only)
    #[arg(long, value_name = "N")]
    paused_after: Option<u64>,
    /// Report this share of accepted messages as failed
    #[arg(long, value_name = "SHARE", default_value_t = Behaviour::default().failing, value_parser = share)]
    failing: f64,
    /// Leave this share of delivered messages unread
    #[arg(long, value_name = "SHARE", default_value_t = Behaviour::default().unread, value_parser = share)]
    unread: f64,
    /// Deliver messages about this long after they are accepted
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pace: Duration,
    /// Send status and reply webhooks to this URL on this machine, as the provider does (docs/webhooks.md)
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Reply to this share of read messages
    #[arg(long, value_name = "SHARE", default_value_t = Behaviour::default().replies, requires = "webhook", value_parser = share)]
    replies: f64,
    /// Use this seed for random choices; 0 uses a new one each time
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" || text == "0ms" {
        return Ok(Duration::ZERO);
    }
    campaign_file::parse_duration(text).map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "a share must be between 0 and 1".to_owned())
}

pub(in crate::cli) async fn run(args: &Args) -> Result<Exit, CliError> {
    let behaviour = Behaviour {
        latency: args.latency,
        error_rate: args.error_rate,
        drop_rate: args.drop_rate,
        hang_rate: args.hang_rate,
        throttle: args.throttle,
        held: args.held,
        paused_after: args.paused_after,
        failing: args.failing,
        unread: args.unread,
        pace: args.pace,
        webhook: args.webhook.clone(),
        replies: args.replies,
        seed: args.seed,
        ..Behaviour::default()
    };
    let simulator = Simulator::start(args.listen, behaviour).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => CliError::new(Exit::Wrong, error.to_string()),
        _ => CliError::new(Exit::Environment, format!("{error}; choose another address with --listen")),
    })?;
    let address = simulator.address();
    console::line(&format!("http://{address}")).map_err(cannot_print)?;
    console::info(&format!(
        "the simulated provider is listening on {address}; use it with\n  \
         INCS_BASE_URL=http://{address} INCS_CERTIFICATION_CODE=any campaigner run FILE   (provider: incs)\n  \
         META_BASE_URL=http://{address} META_ACCESS_TOKEN=any META_PHONE_NUMBER_ID=106540352242922 campaigner run FILE   \
         (provider: meta)\n\
         for `campaigner templates --provider nxlink`, set\n  \
         NXLINK_BASE_URL=http://{address}/saas/wa NXLINK_ACCESS_KEY={} NXLINK_ACCESS_SECRET={} NXLINK_PHONE=85268411234 \
         NXLINK_TENANT_ID=1\n\
         and for `--provider cams`, set\n  \
         CAMS_ENDPOINT=http://{address} ALIBABA_CLOUD_ACCESS_KEY_ID={} ALIBABA_CLOUD_ACCESS_KEY_SECRET={}\n\
         to set the result of a template's review, curl one of these:\n  \
         http://{address}/review/NAME/pass      (CAMS; instead of pass: fail or auditing)\n  \
         http://{address}/review/NAME/2         (NXLink: 2 is in use, 11 is paused)\n  \
         http://{address}/review/NAME/APPROVED  (Meta; instead of APPROVED: PAUSED)\n\
         press Ctrl-C to stop the simulator",
        Simulator::NXLINK_ACCOUNT.0,
        Simulator::NXLINK_ACCOUNT.1,
        Simulator::CAMS_ACCOUNT.0,
        Simulator::CAMS_ACCOUNT.1,
    ));
    stop_signal().await;
    let counts = simulator.stop();
    if args.webhook.is_some() {
        let (accepted, failed) = (counts.webhooks_accepted, counts.webhooks_failed);
        console::info(&format!("webhooks: {} accepted, {failed} not accepted", text::grouped(accepted)));
    }
    console::info(&format!(
        "sends: {} accepted, {} refused, {} throttled; faults: {} with an error, {} dropped, {} hung, {} held; {} for {}",
        counts.accepted,
        counts.refused,
        counts.throttled,
        counts.errors,
        counts.dropped,
        counts.hung,
        counts.held,
        text::count(counts.polls, "poll"),
        text::count(counts.ids_polled, "id"),
    ));
    Ok(Exit::Done)
}

/// Waits for SIGINT or SIGTERM.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
