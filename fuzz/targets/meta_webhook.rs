//! Any bytes as a webhook of Meta: read or refused, never a panic, and never a reply or a status without an id. A
//! reference that is read is written as it came.

#![no_main]

use campaigner::model::{Millis, OptOut, Reference};
use campaigner::provider::{Callback, MetaReceiver, meta_fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(reference) = Reference::parse(text)
    {
        assert_eq!(reference.to_string(), text);
    }
    let receiver = MetaReceiver {
        app_secret: "secret".into(),
        account: "account".to_owned(),
        waba_id: None,
        numbers: [("1".to_owned(), "account".to_owned())].into(),
    };
    let Ok(Callback { statuses, replies, people, events, .. }) = meta_fuzzing::callback(bytes, &receiver, Millis(1))
    else {
        return;
    };
    assert!(people.iter().all(|person| person.phone.is_some() || person.message_id.is_some()));
    for event in events {
        assert!(!event.business_account.is_empty() && event.at.0 > 0 && !event.to_string().contains('\n'));
    }
    for update in statuses {
        assert!(!update.message_id.trim().is_empty() && !update.status.as_word().trim().is_empty());
    }
    for reply in replies {
        assert!(!reply.id.trim().is_empty() && reply.at.0 > 0);
        let _ = (reply.at.to_string(), OptOut::new(None, None).matches(&reply).is_some());
    }
});
