//! Pauses that providers asked for, and pulled templates.

use super::*;
use crate::model::TemplateProvider;

contract!(the_latest_end_of_a_pause_counts, what_is_pulled_takes_the_place_of_what_was_there);

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
