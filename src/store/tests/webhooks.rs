//! Webhooks: those that arrive before their message is known, replies, and opt-outs.

use std::time::Duration;

use super::*;
use crate::model::{
    AccountChange, AccountEvent, Choice, DeliveryStatus, KnownPerson, Millis, OptOutMatch, Phone, Replies, Reply,
    RowNumber, State, StatusUpdate, TemplateName, TitleCount, UserId,
};

contract!(
    what_came_before_its_message_is_found_later_and_dropped_after_its_time,
    too_many_early_statuses_go_for_newer_ones,
    who_asks_for_nothing_more_gets_nothing_more_under_either_number,
    who_may_ask_for_nothing_more_is_listed_until_a_person_decides,
    a_reply_finds_its_row_by_an_earlier_attempt_too,
    replies_are_listed_in_their_order_and_counted_by_what_they_say,
    an_opt_out_counts_for_every_spelling_of_the_number,
    who_opts_out_without_a_number_is_suppressed_once_it_is_known,
    an_opt_out_finds_its_number_by_the_shared_id_and_by_early_statuses,
    who_was_taken_off_the_list_stays_off_when_their_id_becomes_known,
    the_last_report_of_each_kind_about_an_account_is_kept,
);

fn read(message_id: &str) -> StatusUpdate {
    let status = DeliveryStatus::Read;
    StatusUpdate {
        message_id: message_id.into(),
        status,
        delivered_at: None,
        read_at: Some(Millis(9)),
        problem: None,
        reference: None,
    }
}

fn statuses(statuses: Vec<StatusUpdate>) -> WebhookBatch {
    WebhookBatch { statuses, ..WebhookBatch::default() }
}

fn reply(id: &str, from: Option<&str>, answers: Option<&str>, stop: bool) -> (Reply, Option<OptOutMatch>) {
    let reply = Reply {
        id: id.into(),
        from: from.and_then(Phone::from_digits),
        user: None,
        parent: None,
        answers: answers.map(str::to_owned),
        at: Millis(77_000),
        kind: "text".into(),
        choice: None,
        title: None,
        text: Some("Stop!".into()),
    };
    (reply, stop.then(|| OptOutMatch::Exact("Stop!".to_owned())))
}

fn replies(replies: Vec<(Reply, Option<OptOutMatch>)>) -> WebhookBatch {
    WebhookBatch { replies, ..WebhookBatch::default() }
}

async fn save(store: &Store, batch: &WebhookBatch) -> WebhookResult {
    store.save_webhooks(batch, NOW).await.unwrap()
}

/// Creates a run of one row whose first claim was interrupted and that is being resent, with the first one's worker.
async fn sent_again(f: &Fixture<impl Place>) -> (Worker, Claim, Worker, Claim) {
    f.store.index_message_ids().await.unwrap();
    let before = f.run("job", 1).await;
    let first = before.claim_one().await;
    let w = before.next().await;
    w.settle([interrupted_and_resent(&first, NOW)]).await;
    let second = w.claim_one().await;
    (before, first, w, second)
}

async fn what_came_before_its_message_is_found_later_and_dropped_after_its_time(f: Fixture<impl Place>) {
    let (before, first, w, second) = sent_again(&f).await;
    let sent = StatusUpdate { status: DeliveryStatus::Sent, read_at: None, ..read("m1") };
    let batch = statuses(vec![read("m1"), sent, read("m2")]);
    for _ in 0..2 {
        assert_eq!(save(&f.store, &batch).await, WebhookResult { early: 3, ..WebhookResult::default() });
    }
    assert_eq!(f.store.match_early(Millis(0), NOW).await.unwrap(), WebhookResult::default());
    before.settle_late([accepted(&first, "m1")]).await;
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(f.store.match_early(later, NOW).await.unwrap().found, 0, "only what came since then is looked at");
    assert_eq!(f.store.match_early(NOW, NOW).await.unwrap().found, 2, "each of them once");
    w.settle([again(&second, NOW)]).await;
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (State::Read, Some("m1")));
    w.check().await;

    let other = f.run("other", 2).await;
    save(&f.store, &statuses(vec![read("m3")])).await;
    f.store.drop_early(NOW).await.unwrap();
    other.send(|claim| accepted(claim, "m3")).await;
    assert_eq!(other.state(1).await, State::Read, "it had not come before that");
    f.store.drop_early(NOW.plus(Duration::from_millis(1))).await.unwrap();
    other.send(|claim| accepted(claim, "m2")).await;
    assert_eq!(other.state(2).await, State::Accepted);
    other.check().await;
}

async fn too_many_early_statuses_go_for_newer_ones(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    let others: Vec<_> = (1..=100_001).map(|n| read(&format!("other {n}"))).collect();
    let result = save(&f.store, &statuses([&[read("m1")], others.as_slice(), &[read("m2")]].concat())).await;
    assert_eq!((result.early, result.dropped), (100_003, 3));
    w.send(|claim| accepted(claim, "m1")).await;
    w.send(|claim| accepted(claim, "m2")).await;
    assert_eq!(w.states().await, [State::Accepted, State::Read]);
}

async fn who_asks_for_nothing_more_gets_nothing_more_under_either_number(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 3).await;
    w.send(|claim| accepted(claim, "m1")).await;
    w.send(|claim| accepted(claim, "m2")).await;
    let third = w.claim_one().await;
    let batch = replies(vec![
        reply("a", Some("5531999"), Some("m1"), true),
        // The provider identifies them by something other than a number.
        reply("b", None, Some("m2"), true),
        reply("c", Some("4912345"), None, true),
        reply("d", Some("4967890"), Some("m1"), false),
        // Its message is not there yet.
        reply("e", None, Some("m3"), true),
    ]);
    let result = save(&f.store, &batch).await;
    assert_eq!((result.replies, result.suppressed), (5, 4));
    let listed = async || {
        let listed = f.store.suppressions(None, 100).await.unwrap();
        let listed = listed.into_iter().map(|(phone, reason, at)| (phone.digits(), reason.unwrap(), at.0));
        listed.collect::<Vec<_>>()
    };
    let expected = |numbers: &[&str]| -> Vec<_> {
        let line = |number: &&str| ((*number).to_owned(), "opted out by reply: Stop!".to_owned(), 77_000);
        numbers.iter().map(line).collect()
    };
    let (one, two, three) = (phone(1).digits(), phone(2).digits(), phone(3).digits());
    assert_eq!(listed().await, expected(&["4912345", "5531999", &one, &two]));
    // A person removes a number from the list; repeating the same webhook does not undo that.
    f.store.unsuppress(&[Phone::from_digits("4912345").unwrap()]).await.unwrap();
    assert_eq!(save(&f.store, &batch).await, WebhookResult::default());
    assert_eq!(listed().await, expected(&["5531999", &one, &two]));
    let loose = async || f.store.replies(None, 0, 9).await.unwrap().len();
    assert_eq!(loose().await, 2);
    w.settle([accepted(&third, "m3")]).await;
    assert_eq!(f.store.match_early(Millis(0), NOW).await.unwrap().suppressed, 1);
    assert_eq!((loose().await, listed().await), (1, expected(&["5531999", &one, &two, &three])));
    assert_eq!(f.store.match_early(Millis(0), NOW).await.unwrap(), WebhookResult::default());
    // None of them is in the next run any more.
    let next = f.one_more("job", 4).await;
    assert_eq!(numbers(&next.claim(9).await), [4]);
}

async fn who_may_ask_for_nothing_more_is_listed_until_a_person_decides(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 3).await;
    w.send(|claim| accepted(claim, "m1")).await;
    w.send(|claim| accepted(claim, "m2")).await;
    let third = w.claim_one().await;
    let possible = |id: &str, from: Option<&str>, answers: Option<&str>| {
        (reply(id, from, answers, false).0, Some(OptOutMatch::Possible))
    };
    let (one, two, three) = (phone(1).digits(), phone(2).digits(), phone(3).digits());
    let batch = replies(vec![
        possible("a", Some("5531999"), Some("m1")),
        possible("b", Some(&two), Some("m2")),
        possible("c", Some("4912345"), None),
        reply("d", Some("4967890"), None, false),
        reply("e", Some("4967891"), None, true),
        // Its sender and its message are not known yet.
        possible("f", None, Some("m3")),
    ]);
    assert_eq!(save(&f.store, &batch).await.suppressed, 1, "only who says so exactly");
    let listed = async || {
        let all = f.store.possible_opt_outs(0, 9).await.unwrap();
        assert_eq!(f.store.count_possible_opt_outs().await.unwrap(), all.len() as u64);
        let line = |found: &PossibleOptOut| {
            let run = found.answered.as_ref().map_or_else(String::new, |(run, row)| format!("{run} {row} "));
            let phones: Vec<_> = found.phones.iter().map(|phone| phone.digits()).collect();
            format!("{}: {run}{}", found.reply.id, phones.join(" "))
        };
        all.iter().map(line).collect::<Vec<_>>()
    };
    let lines = [format!("a: job-1 1 {one} 5531999"), format!("b: job-1 2 {two}"), "c: 4912345".to_owned()];
    assert_eq!(listed().await, lines);
    let first = f.store.possible_opt_outs(0, 1).await.unwrap();
    assert_eq!((first[0].reply.text.as_deref(), first[0].reply.at), (Some("Stop!"), Millis(77_000)));
    assert_eq!(f.store.possible_opt_outs(first[0].place, 9).await.unwrap().len(), 2);

    for (number, replied) in [("5531999", true), ("4967890", true), ("5531998", false)] {
        assert_eq!(f.store.has_replied(Phone::from_digits(number).unwrap()).await.unwrap(), replied);
    }

    // A number is off the list once all of its forms are suppressed, or once a person has dismissed it.
    f.store.suppress(&[phone(1)], None, NOW).await.unwrap();
    assert_eq!(listed().await, lines);
    f.store.suppress(&[Phone::from_digits("5531999").unwrap()], None, NOW).await.unwrap();
    assert_eq!(listed().await, lines[1..]);
    assert_eq!(f.store.dismiss_possible_opt_outs(&[phone(2)]).await.unwrap(), 1);
    assert_eq!(listed().await, lines[2..]);
    // A repeat of the same webhook undoes neither; a new reply is listed again, by the number of the message too.
    save(&f.store, &batch).await;
    assert_eq!(listed().await, lines[2..]);
    save(&f.store, &replies(vec![possible("g", None, Some("m2"))])).await;
    assert_eq!(listed().await[1..], [format!("g: job-1 2 {two}")]);
    assert_eq!(f.store.dismiss_possible_opt_outs(&[phone(2), phone(3)]).await.unwrap(), 1);
    // Once its message is known, it is listed too.
    w.settle([accepted(&third, "m3")]).await;
    f.store.match_early(Millis(0), NOW).await.unwrap();
    assert_eq!(listed().await, ["c: 4912345".to_owned(), format!("f: job-1 3 {three}")]);
    // Nobody is left out of the next run but those on the suppression list.
    let next = f.one_more("job", 3).await;
    assert_eq!(numbers(&next.claim(9).await), [2, 3]);
}

async fn a_reply_finds_its_row_by_an_earlier_attempt_too(f: Fixture<impl Place>) {
    let (before, first, w, second) = sent_again(&f).await;
    // Identified by something other than a number, and before the provider's acceptance was recorded.
    save(&f.store, &replies(vec![reply("a", None, Some("m1"), true)])).await;
    before.settle_late([accepted(&first, "m1")]).await;
    assert_eq!(f.store.match_early(Millis(0), NOW).await.unwrap().suppressed, 1);
    let run = w.now().await;
    let [kept] = &f.store.replies(Some(&run), 0, 9).await.unwrap()[..] else { panic!("there is one") };
    assert_eq!(kept.answered, Some((RowNumber(1), phone(1))));
    // And after it.
    w.settle([accepted(&second, "n1")]).await;
    let result = save(&f.store, &replies(vec![reply("b", None, Some("m1"), false)])).await;
    assert_eq!((result.replies, f.store.replies(Some(&run), 0, 9).await.unwrap().len()), (1, 2));
}

async fn replies_are_listed_in_their_order_and_counted_by_what_they_say(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let (w, other) = (f.run("job", 3).await, f.run("other", 1).await);
    for row in 1..=3 {
        w.send(|claim| accepted(claim, &format!("m{row}"))).await;
    }
    other.send(|claim| accepted(claim, "o1")).await;
    let button = |id: &str, answers: &str| {
        let (reply, _) = reply(id, None, Some(answers), false);
        let (choice, title) = (Some("yes".to_owned()), Some("Yes, please".to_owned()));
        (Reply { kind: "button_reply".into(), choice, title, text: None, ..reply }, None)
    };
    // A button whose payload differs from message to message.
    let paid = |id: &str, answers: &str, payload: &str| {
        let (reply, _) = reply(id, None, Some(answers), false);
        let (choice, title) = (Some(payload.to_owned()), Some("Paid".to_owned()));
        (Reply { kind: "button".into(), choice, title, text: None, ..reply }, None)
    };
    let sent = vec![
        button("a", "m2"),
        reply("b", None, Some("o1"), false),
        reply("c", Some("4912345"), Some("m1"), true),
        button("d", "m1"),
        reply("e", None, None, false),
        button("f", "m2"),
        paid("g", "m1", "pay-1"),
        paid("h", "m2", "pay-2"),
        paid("i", "m2", "pay-2"),
    ];
    save(&f.store, &replies(sent.clone())).await;
    let run = w.now().await;
    let all = f.store.replies(Some(&run), 0, 9).await.unwrap();
    let rows: Vec<_> = all.iter().map(|kept| (kept.reply.id.as_str(), kept.answered.unwrap().0.0)).collect();
    assert_eq!(rows, [("a", 2), ("c", 1), ("d", 1), ("f", 2), ("g", 1), ("h", 2), ("i", 2)]);
    assert!(all[1].reply == sent[2].0 && all[0].reply == sent[0].0);
    let page = f.store.replies(Some(&run), all[1].place, 1).await.unwrap();
    assert_eq!(page.iter().map(|kept| kept.reply.id.as_str()).collect::<Vec<_>>(), ["d"]);
    assert_eq!(f.store.replies(None, 0, 9).await.unwrap()[0].reply.id, "e");
    assert_eq!(f.store.replies(Some(&other.now().await), 0, 9).await.unwrap().len(), 1);
    let said = |kind: &str, id: Option<&str>, title: Option<&str>, replies, rows| Choice {
        kind: kind.into(),
        id: id.map(str::to_owned),
        title: title.map(str::to_owned),
        replies,
        rows,
    };
    let choices = vec![
        said("button_reply", Some("yes"), Some("Yes, please"), 3, 2),
        said("button", Some("pay-2"), Some("Paid"), 2, 1),
        said("button", Some("pay-1"), Some("Paid"), 1, 1),
        said("text", None, None, 1, 1),
    ];
    let titled = |kind: &str, title: Option<&str>, id: Option<&str>, ids, replies, rows| TitleCount {
        kind: kind.into(),
        title: title.map(str::to_owned),
        id: id.map(str::to_owned),
        ids,
        replies,
        rows,
    };
    let by_title = vec![
        titled("button", Some("Paid"), None, 2, 3, 2),
        titled("button_reply", Some("Yes, please"), Some("yes"), 1, 3, 2),
        titled("text", None, None, 0, 1, 1),
    ];
    let counted = f.store.replies_counted(&run).await.unwrap();
    assert_eq!(counted, Replies { total: 7, rows: 2, opted_out: 1, choices, by_title });
}

fn people(people: &[(&str, Option<Phone>, Option<&str>)]) -> WebhookBatch {
    let known = |(id, phone, message): &(&str, Option<Phone>, Option<&str>)| KnownPerson {
        user: UserId::parse(id).unwrap(),
        phone: *phone,
        message_id: message.map(str::to_owned),
    };
    WebhookBatch { people: people.iter().map(known).collect(), ..WebhookBatch::default() }
}

async fn an_opt_out_counts_for_every_spelling_of_the_number(f: Fixture<impl Place>) {
    let [listed, of_whatsapp] = ["525512345678", "5215512345678"].map(|digits| Phone::from_digits(digits).unwrap());
    let w = f.begun("job").await;
    w.import(&[PlannedRow { to: Ok(listed), ..planned(1) }, planned(2)]).await;
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    // It was typed, so it is linked to no row.
    let saved = save(&f.store, &replies(vec![reply("a", Some("5215512345678"), None, true)])).await;
    assert_eq!(saved.suppressed, 1);
    assert_eq!(numbers(&w.claim(9).await), [2]);
    assert_eq!(f.store.unsuppress(&[listed]).await.unwrap(), 1);
    for phone in [listed, of_whatsapp] {
        assert!(f.store.suppression(phone).await.unwrap().is_none());
    }
    assert_eq!(f.store.suppress(&[listed, of_whatsapp], None, NOW).await.unwrap(), 2);
}

async fn who_opts_out_without_a_number_is_suppressed_once_it_is_known(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 3).await;
    let claims = w.claim(9).await;
    w.settle(claims.iter().zip(["m1", "m2", "m3"]).map(|(attempt, id)| accepted(&attempt.claim, id))).await;
    let from = |id: &str, user: &str, stop: bool| {
        let (reply, opt_out) = reply(id, None, None, stop);
        (Reply { user: UserId::parse(user), ..reply }, opt_out)
    };
    // Nothing shows yet whom these ids belong to.
    let batch = replies(vec![from("r1", "US.1", true), from("r2", "US.2", false), from("r3", "US.3", true)]);
    assert_eq!(save(&f.store, &batch).await.suppressed, 0);
    // A status of a message to the person shows it, or the provider gives the number as it writes it.
    let other = Phone::from_digits("5215512345678");
    assert_eq!(save(&f.store, &people(&[("US.1", None, Some("m1")), ("US.2", None, Some("m2"))])).await.suppressed, 1);
    assert_eq!(save(&f.store, &people(&[("US.1", None, Some("m1")), ("US.9", None, Some("m9"))])).await.suppressed, 0);
    assert_eq!(save(&f.store, &people(&[("US.3", other, Some("m3"))])).await.suppressed, 2);
    let suppressed: Vec<Phone> =
        f.store.suppressions(None, 9).await.unwrap().into_iter().map(|(phone, ..)| phone).collect();
    let mut expected = vec![phone(1), phone(3), other.unwrap(), other.unwrap().other_spelling().unwrap()];
    expected.sort();
    assert_eq!(suppressed, expected);
    // The replies have their numbers now, and the next one has it at once.
    let kept = f.store.replies(None, 0, 9).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.reply.from).collect::<Vec<_>>()[..2], [Some(phone(1)), Some(phone(2))]);
    assert_eq!(save(&f.store, &replies(vec![from("r4", "US.2", true)])).await.suppressed, 1);
    let last = f.store.replies(None, kept[2].place, 9).await.unwrap();
    assert_eq!((last[0].reply.from, last[0].reply.user.clone()), (Some(phone(2)), UserId::parse("US.2")));
}

async fn an_opt_out_finds_its_number_by_the_shared_id_and_by_early_statuses(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 2).await;
    let claims = w.claim(9).await;
    // The statuses of the first message come before its answer, and the opt-out before its number is known.
    let early = WebhookBatch { statuses: vec![read("m1")], ..people(&[("US.1", None, Some("m1"))]) };
    assert_eq!(save(&f.store, &early).await.early, 1);
    let (stop, opt_out) = reply("r1", None, None, true);
    let by_id = (Reply { user: UserId::parse("US.1"), ..stop.clone() }, opt_out.clone());
    assert_eq!(save(&f.store, &replies(vec![by_id])).await.suppressed, 0);
    w.settle([accepted(&claims[0].claim, "m1"), accepted(&claims[1].claim, "m2")]).await;
    f.store.match_early(Millis(0), NOW).await.unwrap();
    let listed = async || -> Vec<Phone> {
        f.store.suppressions(None, 9).await.unwrap().into_iter().map(|(phone, ..)| phone).collect()
    };
    assert_eq!(listed().await, [phone(1)]);
    // The second person is known by the id that several businesses share.
    save(&f.store, &people(&[("US.2", None, Some("m2")), ("US.ENT.2", None, Some("m2"))])).await;
    let shared = Reply { id: "r2".into(), user: UserId::parse("US.9"), parent: UserId::parse("US.ENT.2"), ..stop };
    assert_eq!(save(&f.store, &replies(vec![(shared, opt_out)])).await.suppressed, 1);
    assert_eq!(listed().await, [phone(1), phone(2)]);
}

async fn who_was_taken_off_the_list_stays_off_when_their_id_becomes_known(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 1).await;
    let claims = w.claim(9).await;
    w.settle([accepted(&claims[0].claim, "m1")]).await;
    let (stop, opt_out) = reply("r1", None, Some("m1"), true);
    let stop = Reply { user: UserId::parse("US.1"), ..stop };
    assert_eq!(save(&f.store, &replies(vec![(stop, opt_out)])).await.suppressed, 1);
    assert_eq!(f.store.unsuppress(&[phone(1)]).await.unwrap(), 1);
    assert_eq!(save(&f.store, &people(&[("US.1", None, Some("m1"))])).await.suppressed, 0);
    assert_eq!(f.store.suppressions(None, 9).await.unwrap(), []);
}

async fn the_last_report_of_each_kind_about_an_account_is_kept(f: Fixture<impl Place>) {
    let event = |template: &str, value: &str, at: i64| AccountEvent {
        business_account: "7".into(),
        account: Some("account".into()),
        template: Some(TemplateName { name: template.into(), language: "en_US".into() }),
        kind: AccountChange::TemplateState,
        value: value.into(),
        reason: Some("why".into()),
        at: Millis(at),
    };
    let account = AccountEvent {
        template: None,
        kind: AccountChange::Account,
        account: None,
        reason: None,
        ..event("", "ACCOUNT_RESTRICTION", 6_000)
    };
    // The second one is older than the first.
    let events =
        vec![event("a", "APPROVED", 5_000), event("a", "PAUSED", 4_000), event("b", "PAUSED", 3_000), account.clone()];
    let batch = WebhookBatch { events, ..WebhookBatch::default() };
    save(&f.store, &batch).await;
    save(&f.store, &batch).await;
    let found =
        async |id: Option<&str>, since: i64| f.store.account_events("account", id, Millis(since)).await.unwrap();
    assert_eq!(found(None, 0).await, [event("b", "PAUSED", 3_000), event("a", "APPROVED", 5_000)]);
    assert_eq!(found(Some("7"), 5_000).await, [event("a", "APPROVED", 5_000), account]);
    assert_eq!(found(Some("8"), 0).await, []);
    // In the same second, the good state counts, in whichever order they come.
    for value in ["PAUSED", "APPROVED", "PAUSED"] {
        let batch = WebhookBatch { events: vec![event("c", value, 9_000)], ..WebhookBatch::default() };
        save(&f.store, &batch).await;
    }
    assert_eq!(found(None, 9_000).await, [event("c", "APPROVED", 9_000)]);
}
