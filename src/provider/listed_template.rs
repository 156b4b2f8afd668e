//! Finds one template in a provider's list.

use crate::template::{ChangeAnswer, Definition, Error, TemplateSummary};
use crate::text;

/// Returns the answer to a creation whose response was lost, if the list shows that the template was created.
pub(super) fn made_after_all(
    list: Result<Vec<TemplateSummary>, Error>,
    definition: &Definition,
) -> Option<ChangeAnswer> {
    let listed = find(list.ok()?, &definition.name, Some(&definition.language)).ok()?;
    Some(ChangeAnswer { id: Some(listed.id), request_id: None, found_afterwards: true })
}

/// Returns the one template with this name, in this language if one is given.
///
/// # Errors
/// When there is none, or there are several languages to choose from.
pub(super) fn find(list: Vec<TemplateSummary>, name: &str, language: Option<&str>) -> Result<TemplateSummary, Error> {
    let mut named: Vec<TemplateSummary> = list.into_iter().filter(|listed| listed.name == name).collect();
    let mut known: Vec<String> = named.iter().map(|listed| listed.language.clone()).collect();
    known.sort_unstable();
    known.dedup();
    let languages = || text::list(&known.iter().map(String::as_str).collect::<Vec<_>>());
    named.retain(|listed| language.is_none_or(|language| listed.language == language));
    // A deleted template may still be listed next to its successor.
    let left = named.iter().filter(|listed| listed.status != TemplateSummary::DELETED).count();
    named.retain(|listed| left == 0 || listed.status != TemplateSummary::DELETED);
    match (named.len(), language) {
        (1, _) => Ok(named.remove(0)),
        (0, Some(language)) if !known.is_empty() => {
            Err(Error::Which(format!("the template `{name}` does not exist in {language}, only in {}", languages())))
        }
        (0, _) => Err(Error::Which(format!("the template `{name}` does not exist"))),
        (several, _) if language.is_some() || known.len() == 1 => Err(Error::Which(format!(
            "the provider lists {several} templates named `{name}` in one language; check there which of them is in use"
        ))),
        _ => Err(Error::Which(format!("the template `{name}` exists in {}; choose one with --language", languages()))),
    }
}
