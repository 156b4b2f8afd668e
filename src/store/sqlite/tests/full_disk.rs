//! A disk that was full: SQLite may roll a transaction back itself then.

use sqlx::Executor as _;

use super::*;

#[tokio::test]
async fn a_transaction_that_sqlite_rolled_back_does_not_keep_later_ones_from_beginning() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    {
        let mut writer = f.store.write().await.unwrap();
        let mut tx = writer.begin("write").await.unwrap();
        tx.sqlite().execute("ROLLBACK").await.unwrap();
    }
    let w = f.begun("job").await;
    w.import(&[planned(1)]).await;
    assert_eq!(f.store.runs(9).await.unwrap().len(), 1);
    // One that was only dropped keeps its connection.
    let mark = |writer: &crate::store::writer::Writing<'_>| writer.guard.mark.is_some();
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    assert_eq!(w.claim(1).await.len(), 1);
    let mut writer = f.store.write().await.unwrap();
    assert!(mark(&writer));
    drop(writer.begin("write").await.unwrap());
    drop(writer);
    assert!(mark(&f.store.write().await.unwrap()));
}

#[tokio::test]
async fn a_reading_transaction_that_sqlite_rolled_back_leaves_no_old_state_behind() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    let runs = async || -> i64 {
        let mut snapshot = f.store.readers.snapshot().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM run").fetch_one(snapshot.sqlite()).await.unwrap()
    };
    let mut broken = f.store.readers.snapshot().await.unwrap();
    broken.sqlite().execute("ROLLBACK").await.unwrap();
    drop(broken);
    for before in 0..4 {
        assert_eq!(runs().await, before);
        f.begun(&format!("job{before}")).await;
    }
}
