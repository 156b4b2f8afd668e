//! Pauses that providers asked for, how much was sent through each, and pulled templates.

use super::*;
use crate::model::{Millis, Phone, TemplateProvider};

contract!(
    the_latest_end_of_a_pause_counts,
    what_was_sent_through_a_provider_is_counted_over_its_runs,
    numbers_of_north_america_are_counted,
    what_is_pulled_takes_the_place_of_what_was_there,
);

async fn the_latest_end_of_a_pause_counts(f: Fixture<impl Place>) {
    let pause =
        |account: &str, until| AccountPause { account: account.into(), provider: "incs".into(), until: at(until) };
    assert_eq!(f.store.account_pause("a").await.unwrap(), None);
    for pause in [pause("a", 50), pause("a", 40), pause("b", 90)] {
        f.store.note_pause(&pause).await.unwrap();
    }
    let other = f.reopened().await;
    assert_eq!(other.account_pause("a").await.unwrap(), Some(at(50)));
    assert_eq!(other.provider_pause("incs", at(49)).await.unwrap(), Some(at(90)));
    assert_eq!(other.provider_pause("incs", at(90)).await.unwrap(), None, "it is over");
    assert_eq!(other.provider_pause("other", NOW).await.unwrap(), None);
    f.store.forget_pause("b").await.unwrap();
    assert_eq!(f.store.account_pause("b").await.unwrap(), None);
    assert_eq!(f.store.provider_pause("incs", NOW).await.unwrap(), Some(at(50)));
}

async fn what_was_sent_through_a_provider_is_counted_over_its_runs(f: Fixture<impl Place>) {
    for (name, provider, rows) in [("a", "shop", 2), ("b", "shop", 3), ("c", "other", 4)] {
        let new = NewRun { campaign: format!("{{\"provider\": \"{provider}\"}}"), ..content(name) };
        let StartDecision::New(run) = f.store.start_run(&new, Repeat::Again, NOW).await.unwrap() else {
            panic!("{name}")
        };
        let w = Worker::of(&f.store, &run).await;
        w.import(&(1..=rows).map(planned).collect::<Vec<_>>()).await;
        f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
        let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
        let settled = claims.iter().enumerate().map(|(n, claim)| match n {
            0 => doubted(claim),
            1 => rejected(claim),
            _ => accepted(claim, &format!("{name}{n}")),
        });
        w.settle(settled.collect::<Vec<_>>()).await;
    }
    let taken = async |provider, since| f.store.taken_by_provider(provider, since).await.unwrap();
    assert_eq!(taken("shop", Millis::default()).await, 3);
    assert_eq!(taken("other", Millis::default()).await, 3);
    assert_eq!(taken("none", Millis::default()).await, 0);
    assert_eq!(taken("shop", at(10_000_000)).await, 0, "before that");
}

async fn numbers_of_north_america_are_counted(f: Fixture<impl Place>) {
    let to = |n, digits: &str| PlannedRow { to: Ok(Phone::from_digits(digits).unwrap()), ..planned(n) };
    let rows = [to(1, "16505551234"), to(2, "19999999999"), to(3, "85268411234"), to(4, "165055512345"), invalid(5)];
    let w = f.run_with("job", &rows).await;
    f.run_with("next", &rows[..1]).await;
    assert_eq!(f.store.plus_one_rows(w.run).await.unwrap(), 2);
}

async fn what_is_pulled_takes_the_place_of_what_was_there(f: Fixture<impl Place>) {
    let pulled = |id: &str, name: &str, snapshot: &str| PulledTemplate {
        id: id.into(),
        language: "en".into(),
        name: name.into(),
        status: "in use".into(),
        snapshot: snapshot.into(),
    };
    let (nxlink, cams) = (TemplateProvider::Nxlink, TemplateProvider::Cams);
    let two = [pulled("1", "a", "a1"), pulled("2", "b", "b1")];
    f.store.keep_templates(nxlink, "x", None, &two, at(1)).await.unwrap();
    f.store.keep_templates(nxlink, "y", None, &two[..1], at(1)).await.unwrap();
    f.store.keep_templates(cams, "x", None, &two[..1], at(1)).await.unwrap();
    let of = async |provider, name| f.store.templates(provider, name).await.unwrap();
    assert_eq!(of(nxlink, "a").await, ["a1", "a1"]);
    let named = |account: &str, name: &str| (account.to_owned(), name.to_owned());
    let names = [named("x", "a"), named("x", "b"), named("y", "a")];
    assert_eq!(f.store.template_names(nxlink).await.unwrap(), names);
    // One template selected by name, and one that no longer exists.
    let names = ["a".to_owned(), "b".to_owned()];
    f.store.keep_templates(nxlink, "x", Some(&names[..1]), &[pulled("1", "a", "a2")], at(2)).await.unwrap();
    assert_eq!((of(nxlink, "a").await, of(nxlink, "b").await), (vec!["a2".into(), "a1".into()], vec!["b1".into()]));
    f.store.keep_templates(nxlink, "x", Some(&names[1..]), &[], at(3)).await.unwrap();
    assert_eq!(of(nxlink, "b").await, [""; 0]);
    assert_eq!(of(cams, "a").await, ["a1"]);
    f.store.keep_templates(nxlink, "x", None, &[], at(4)).await.unwrap();
    assert_eq!(of(nxlink, "a").await, ["a1"], "another account's");
}
