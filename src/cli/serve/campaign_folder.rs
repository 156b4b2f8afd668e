//! The folder of campaigns: reads its files, and reads them again when they change.
//!
//! A file is read once it has not changed for two seconds, so that a half-written file is not read. A file with a
//! mistake is skipped until it is fixed. Its earlier content is not sent either, because somebody changed it on
//! purpose. If two files have the same campaign name, both are skipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::campaign_file::{self, Loaded};
use crate::cli::error::{BECAUSE, CliError, Exit};
use crate::cli::session::load;
use crate::model::ProviderApi;
use crate::text;

/// How long a file must be unchanged before it is read.
const SETTLED: Duration = Duration::from_secs(2);

/// The folder as last scanned.
#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    /// The API of each provider.
    apis: BTreeMap<String, ProviderApi>,
    files: BTreeMap<PathBuf, File>,
    /// Why the last scan failed.
    trouble: Option<String>,
    /// Whether it was scanned.
    is_scanned: bool,
}

#[derive(Clone)]
struct File {
    /// The stamp at the last scan.
    seen: Stamp,
    /// The stamp when the file was read.
    read: Option<Stamp>,
    content: Content,
}

/// Attributes that change when a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

#[derive(Clone)]
enum Content {
    Unread,
    Right(Arc<Loaded>),
    Wrong(String),
}

/// A change in the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A campaign was read, for the first time or again.
    Read(PathBuf, String),
    /// A file cannot be read as a campaign.
    Wrong(PathBuf, String),
    /// A file was removed.
    Gone(PathBuf),
    /// The folder itself cannot be read.
    Unreadable(PathBuf, String),
}

impl News {
    pub(super) fn log(&self) {
        match self {
            Self::Read(file, name) => tracing::info!(file = %file.display(), campaign = %name, "campaign read"),
            Self::Wrong(file, words) => {
                let file = file.display();
                tracing::error!("{file} is not a valid campaign and will be skipped until it is fixed\n{words}");
            }
            Self::Gone(file) => {
                tracing::info!(file = %file.display(), "campaign file removed; its runs that have started continue")
            }
            Self::Unreadable(folder, words) => {
                let folder = folder.display();
                tracing::error!(%folder, %words, "cannot read the campaign folder; keeping the campaigns read earlier");
            }
        }
    }
}

impl Folder {
    /// Opens the folder at `path` without scanning it. `apis` are those of the configured providers.
    pub(super) fn open(path: &Path, apis: BTreeMap<String, ProviderApi>) -> Result<Self, CliError> {
        let failed =
            |words: String| CliError::new(Exit::Wrong, format!("cannot read the folder {}: {words}", path.display()));
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(failed("it is not a folder; pass the folder that contains it".to_owned())),
            Err(error) => return Err(failed(error.to_string())),
        }
        Ok(Self { path: path.to_owned(), apis, files: BTreeMap::new(), trouble: None, is_scanned: false })
    }

    /// Returns a folder without campaigns.
    pub(super) fn none() -> Self {
        Self { path: PathBuf::new(), apis: BTreeMap::new(), files: BTreeMap::new(), trouble: None, is_scanned: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Scans the folder, reads changed files and returns the changes.
    pub(super) fn scan(&mut self) -> Vec<News> {
        self.scan_at(SystemTime::now())
    }

    fn scan_at(&mut self, now: SystemTime) -> Vec<News> {
        let mut news = Vec::new();
        if self.path.as_os_str().is_empty() {
            return news;
        }
        let found = match list(&self.path) {
            Ok(found) => found,
            Err(error) => {
                let words = text::error_chain(&error, BECAUSE);
                if self.trouble.as_ref() != Some(&words) {
                    news.push(News::Unreadable(self.path.clone(), words.clone()));
                    self.trouble = Some(words);
                }
                return news;
            }
        };
        self.trouble = None;
        self.is_scanned = true;
        self.files.retain(|path, _| {
            let stays = found.contains_key(path);
            if !stays {
                news.push(News::Gone(path.clone()));
            }
            stays
        });
        for (path, stamp) in found {
            let file =
                self.files.entry(path.clone()).or_insert(File { seen: stamp, read: None, content: Content::Unread });
            let unchanged = std::mem::replace(&mut file.seen, stamp) == stamp;
            let old = now.duration_since(stamp.modified).is_ok_and(|age| age >= SETTLED);
            // A modification time in the future never gets old enough, so being unchanged once is enough.
            let settled = unchanged && (old || stamp.modified > now);
            if file.read == Some(stamp) || !settled {
                continue;
            }
            file.read = Some(stamp);
            file.content = read(&path, &self.apis);
            news.extend(match &file.content {
                Content::Right(loaded) => Some(News::Read(path, loaded.campaign.name.clone())),
                Content::Wrong(words) => Some(News::Wrong(path, words.clone())),
                Content::Unread => None,
            });
        }
        let wrong: BTreeMap<&Path, String> = self.wrong().into_iter().collect();
        for of_file in &mut news {
            // The file itself is valid, but another file has the same campaign name.
            if let News::Read(path, _) = of_file
                && let Some(words) = wrong.get(path.as_path())
            {
                *of_file = News::Wrong(path.clone(), words.clone());
            }
        }
        news
    }

    /// Returns the valid campaign of this name.
    pub(super) fn campaign(&self, name: &str) -> Option<&Loaded> {
        let (_, loaded) = self.campaigns().into_iter().find(|(_, loaded)| loaded.campaign.name == name)?;
        Some(loaded)
    }

    /// Whether every file was read.
    pub(super) fn is_read(&self) -> bool {
        self.is_scanned && self.files.values().all(|file| file.read.is_some())
    }

    /// Returns the valid campaigns whose name is unique.
    pub(super) fn campaigns(&self) -> Vec<(&Path, &Arc<Loaded>)> {
        let names = self.names();
        self.right().filter(|(_, loaded)| names[loaded.campaign.name.as_str()].len() == 1).collect()
    }

    /// Returns the files that are not valid campaigns, with their problems.
    pub(super) fn wrong(&self) -> Vec<(&Path, String)> {
        let names = self.names();
        let wrong = self.files.iter().filter_map(|(path, file)| match &file.content {
            Content::Wrong(words) => Some((path.as_path(), words.clone())),
            Content::Right(_) | Content::Unread => None,
        });
        let twice = self.right().filter_map(|(path, loaded)| {
            let other = names[loaded.campaign.name.as_str()].iter().find(|other| **other != path)?;
            let words = format!("{} has `name: {}` too; neither will run", other.display(), loaded.campaign.name);
            Some((path, words))
        });
        wrong.chain(twice).collect()
    }

    fn right(&self) -> impl Iterator<Item = (&Path, &Arc<Loaded>)> {
        self.files.iter().filter_map(|(path, file)| match &file.content {
            Content::Right(loaded) => Some((path.as_path(), loaded)),
            Content::Wrong(_) | Content::Unread => None,
        })
    }

    fn names(&self) -> BTreeMap<&str, Vec<&Path>> {
        let mut names: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
        for (path, loaded) in self.right() {
            names.entry(&loaded.campaign.name).or_default().push(path);
        }
        names
    }
}

/// Returns the campaign files of a folder. Hidden files are skipped: editors write them as temporary copies.
pub(in crate::cli) fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    Ok(list(folder)?.into_keys().collect())
}

fn list(folder: &Path) -> std::io::Result<BTreeMap<PathBuf, Stamp>> {
    use std::os::unix::fs::MetadataExt;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let named = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if !named || hidden {
            continue;
        }
        // Links are followed. A broken link is skipped, because its target may come back. Anything that is not a
        // regular file is reported when it is read.
        if let Ok(file) = fs::metadata(&path) {
            let modified = file.modified()?;
            found.insert(path, Stamp { modified, length: file.len(), inode: file.ino() });
        }
    }
    Ok(found)
}

fn read(path: &Path, apis: &BTreeMap<String, ProviderApi>) -> Content {
    match campaign_file::read(path) {
        Ok(mut loaded) => {
            // A campaign of an unknown provider fails when its account is opened.
            loaded.campaign.api = apis.get(&loaded.campaign.provider).copied().unwrap_or_default();
            match load::in_the_message(&loaded) {
                problems if problems.is_empty() => Content::Right(Arc::new(loaded)),
                problems => Content::Wrong(loaded.document.tell(&problems)),
            }
        }
        Err(error) => Content::Wrong(text::error_chain(&error, BECAUSE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(name: &str) -> String {
        format!(
            "name: {name}\nprovider: simulator\nchannel: viber\nrecipients: {{csv: a.csv, to: phone}}\n\
             message: {{type: text, text: Hello}}\n"
        )
    }

    /// A folder that can be scanned as if `seconds` had passed.
    struct Place(tempfile::TempDir, Folder);

    impl Place {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let folder = Folder::open(place.path(), BTreeMap::new()).unwrap();
            Self(place, folder)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::write(&path, text).unwrap();
            path
        }

        fn scan(&mut self, seconds: u64) -> Vec<News> {
            self.1.scan_at(SystemTime::now() + Duration::from_secs(seconds))
        }

        fn names(&self) -> Vec<&str> {
            self.1.campaigns().into_iter().map(|(_, loaded)| loaded.campaign.name.as_str()).collect()
        }
    }

    #[test]
    fn a_file_is_read_once_it_is_unchanged_and_again_when_it_changes() {
        let mut place = Place::new();
        let path = place.write("a.yaml", &campaign("first"));
        assert_eq!(place.scan(0), [], "it may be half written");
        assert_eq!(place.scan(1), []);
        assert_eq!(place.scan(3), [News::Read(path.clone(), "first".into())]);
        assert_eq!(place.scan(4), []);
        place.write("a.yaml", &campaign("second-of-them"));
        assert_eq!((place.scan(10), place.names()), (vec![], vec!["first"]), "seen changed for the first time");
        assert_eq!(place.scan(11), [News::Read(path.clone(), "second-of-them".into())]);
        fs::remove_file(&path).unwrap();
        assert_eq!(place.scan(12), [News::Gone(path)]);
        assert!(place.names().is_empty());
    }

    #[test]
    fn a_file_with_a_mistake_is_skipped_until_it_is_fixed() {
        let mut place = Place::new();
        place.write("a.yaml", &campaign("first"));
        place.scan(3);
        place.scan(4);
        assert_eq!(place.names(), ["first"]);
        place.write("a.yaml", &campaign("first").replace("channel: viber", "channel: vibre"));
        place.scan(10);
        let news = place.scan(11);
        assert!(matches!(&news[..], [News::Wrong(_, words)] if words.contains("did you mean `viber`")), "{news:?}");
        assert!(place.names().is_empty());
        assert_eq!(place.1.wrong().len(), 1);
        place.write("a.yaml", &campaign("first"));
        place.scan(20);
        place.scan(21);
        assert_eq!((place.names(), place.1.wrong().len()), (vec!["first"], 0));
    }

    #[test]
    fn of_two_files_with_one_name_neither_is_run() {
        let mut place = Place::new();
        place.write("a.yaml", &campaign("first"));
        place.write("b.yml", &campaign("first"));
        place.write("c.yaml", &campaign("other"));
        place.write(".d.yaml", "half a file of an editor");
        place.write("e.csv", "phone\n");
        let news = place.scan(3);
        let is_twice = |news: &&News| matches!(news, News::Wrong(_, words) if words.contains("neither will run"));
        assert_eq!((news.iter().filter(is_twice).count(), news.len()), (2, 3), "{news:?}");
        assert_eq!(place.names(), ["other"]);
        assert!(place.1.wrong().iter().all(|(_, words)| words.contains("neither will run")));
    }
}
