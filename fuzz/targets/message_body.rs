//! Any JSON as a message: checked for every channel, as a campaign's message and as a body, and judged by the
//! simulated provider, never a panic. What is found is told in one line, and the same each time.
//!
//! The first byte says whether the rest is taken as it is, or is the content of a message with a number and a type.

#![no_main]

use campaigner::message;
use campaigner::model::{Channel, Finding, ProviderApi};
use campaigner::simulator;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const TYPES: [&str; 7] = ["template", "text", "image", "video", "interactive", "otp", "document"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else { return };
    for channel in Channel::ALL {
        let _ = simulator::refusal(channel, rest);
    }
    let Ok(value) = serde_json::from_slice::<Value>(rest) else { return };
    let body = match TYPES.get(usize::from(how % 16)) {
        Some(kind) => json!({"to": "85268411234", "type": kind, *kind: value}),
        None => value,
    };
    let written = serde_json::to_vec(&body).expect("a value can be written");
    // A message with nothing open in it is judged as the body is, but for `to`.
    let open = ["{{", "{%", "{#"].iter().any(|sign| written.windows(2).any(|bytes| bytes == sign.as_bytes()));
    for channel in Channel::ALL {
        let _ = simulator::refusal(channel, &written);
        for api in ProviderApi::ALL {
            let translated = message::translate(api, channel, &body);
            assert_eq!(message::translate(api, channel, &translated), translated, "{api} {channel} {body}");
            let in_message = message::check_message(api, channel, &translated);
            let in_body = message::check(api, channel, &translated);
            tell(&in_message);
            tell(&in_body);
            assert_eq!(message::check(api, channel, &translated), in_body);
            if !open {
                // Only a message says which other API knows a kind.
                let without_to = |finding: &&Finding| finding.path != "to";
                let place = |finding: &Finding| (finding.severity, finding.code, finding.path.clone());
                let found = |findings: &[Finding]| findings.iter().filter(without_to).map(place).collect::<Vec<_>>();
                assert_eq!(found(&in_body), found(&in_message), "{api} {channel} {body}");
            }
        }
    }
});

fn tell(findings: &[Finding]) {
    for finding in findings {
        let told = finding.to_string();
        assert!(told.contains(&finding.message) && !finding.message.is_empty());
        assert!(!told.contains(['\n', '\r']), "one line: {told}");
    }
}
