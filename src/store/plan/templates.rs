//! Templates pulled from their providers. The content of a snapshot is opaque here.

use crate::model::{Millis, TemplateProvider};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{json, query, query_as, query_scalar};
use crate::store::{PulledTemplate, StoreError};

impl Store {
    /// Saves the templates pulled from an account and replaces the previous ones: all, or those with these names. In
    /// one transaction.
    ///
    /// # Errors
    /// When the store cannot be written; then its content is unchanged.
    pub async fn keep_templates(
        &self,
        provider: TemplateProvider,
        account: &str,
        names: Option<&[String]>,
        pulled: &[PulledTemplate],
        now: Millis,
    ) -> Result<(), StoreError> {
        let failed = || doing("save templates");
        let mut writer = self.write().await?;
        let mut tx = writer.begin("save templates").await?;
        query(
            "DELETE FROM template WHERE provider = $1 AND account = $2 \
             AND ($3 IS NULL OR name IN (SELECT atom FROM json_each($3)))",
        )
        .bind(provider.as_str())
        .bind(account)
        .bind(names.map(json))
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        for PulledTemplate { id, language, name, status, snapshot } in pulled {
            query(
                "INSERT INTO template (provider, account, id, language, name, status, snapshot, pulled_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (provider, account, id, language) DO UPDATE SET \
                 name = excluded.name, status = excluded.status, snapshot = excluded.snapshot, pulled_at = excluded.pulled_at",
            )
                .bind(provider.as_str())
                .bind(account)
                .bind(id)
                .bind(language)
                .bind(name)
                .bind(status)
                .bind(snapshot)
                .bind(now.0)
                .execute(&mut tx)
                .await
                .map_err(failed())?;
        }
        tx.commit().await.map_err(failed())
    }

    /// Records that the rows of a run were checked against another snapshot of their template.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn hold_run(&self, run: i64, snapshot: &str) -> Result<(), StoreError> {
        query("UPDATE run SET template = $2 WHERE id = $1")
            .bind(run)
            .bind(snapshot)
            .execute(self.write().await?.alone())
            .await
            .map_err(doing("save the template"))?;
        Ok(())
    }
}

impl Store {
    /// Returns the snapshots of a provider's templates of this name, by account and language.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn templates(&self, provider: TemplateProvider, name: &str) -> Result<Vec<String>, StoreError> {
        query_scalar("SELECT snapshot FROM template WHERE provider = $1 AND name = $2 ORDER BY account, language, id")
            .bind(provider.as_str())
            .bind(name)
            .fetch_all(&self.readers)
            .await
            .map_err(doing("read its templates"))
    }

    /// Returns the names of all templates of a provider, each with its account.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn template_names(&self, provider: TemplateProvider) -> Result<Vec<(String, String)>, StoreError> {
        query_as("SELECT DISTINCT account, name FROM template WHERE provider = $1 ORDER BY account, name")
            .bind(provider.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(doing("read its templates"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_pulled_takes_the_place_of_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        let pulled = |id: &str, name: &str, snapshot: &str| PulledTemplate {
            id: id.into(),
            language: "en".into(),
            name: name.into(),
            status: "in use".into(),
            snapshot: snapshot.into(),
        };
        let (nxlink, cams) = (TemplateProvider::Nxlink, TemplateProvider::Cams);
        let two = [pulled("1", "a", "a1"), pulled("2", "b", "b1")];
        store.keep_templates(nxlink, "x", None, &two, Millis(1)).await.unwrap();
        store.keep_templates(nxlink, "y", None, &two[..1], Millis(1)).await.unwrap();
        store.keep_templates(cams, "x", None, &two[..1], Millis(1)).await.unwrap();
        let of = async |provider, name| store.templates(provider, name).await.unwrap();
        assert_eq!(of(nxlink, "a").await, ["a1", "a1"]);
        let named = |account: &str, name: &str| (account.to_owned(), name.to_owned());
        let names = [named("x", "a"), named("x", "b"), named("y", "a")];
        assert_eq!(store.template_names(nxlink).await.unwrap(), names);
        // One template selected by name, and one that no longer exists.
        let names = ["a".to_owned(), "b".to_owned()];
        let new = [pulled("1", "a", "a2")];
        store.keep_templates(nxlink, "x", Some(&names[..1]), &new, Millis(2)).await.unwrap();
        assert_eq!((of(nxlink, "a").await, of(nxlink, "b").await), (vec!["a2".into(), "a1".into()], vec!["b1".into()]));
        store.keep_templates(nxlink, "x", Some(&names[1..]), &[], Millis(3)).await.unwrap();
        assert_eq!(of(nxlink, "b").await, [""; 0]);
        assert_eq!(of(cams, "a").await, ["a1"]);
    }
}
