//! The folder of campaigns: its files read, and read again when they change.
//!
//! A file is read when it has been left alone for a moment, so that one that is just being written is not taken for a
//! whole. A file with a mistake is no campaign until it is mended: what it was before is not sent either, since whoever
//! changed it wanted something else. Of two files with one name neither is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::campaign_file::{self, Loaded};
use crate::cli::error::{BECAUSE, CliError, Exit};
use crate::cli::session::load;
use crate::text;

/// How long a file must have been left alone.
const SETTLED: Duration = Duration::from_secs(2);

/// The folder as it was seen last.
#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    files: BTreeMap<PathBuf, File>,
    /// What went wrong when it was read last.
    trouble: Option<String>,
}

#[derive(Clone)]
struct File {
    /// What it looked like when it was seen last.
    seen: Stamp,
    /// What it looked like when it was read.
    read: Option<Stamp>,
    content: Content,
}

/// What tells a changed file from one that did not change.
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

/// Something that changed in the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A campaign was read, for the first time or again.
    Read(PathBuf, String),
    /// A file cannot be read as a campaign.
    Wrong(PathBuf, String),
    /// A file is gone.
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
            Self::Gone(file) => tracing::info!(file = %file.display(), "campaign gone; what was begun of it goes on"),
            Self::Unreadable(folder, words) => {
                tracing::error!(folder = %folder.display(), %words, "cannot read the folder; what was read of it stands");
            }
        }
    }
}

impl Folder {
    /// The folder at `path`, not looked at yet.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let failed = |words: String| CliError::new(Exit::Wrong, format!("the folder {}: {words}", path.display()));
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(failed("is a file; name the folder that it is in".to_owned())),
            Err(error) => return Err(failed(error.to_string())),
        }
        Ok(Self { path: path.to_owned(), files: BTreeMap::new(), trouble: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks what changed.
    pub(super) fn look(&mut self) -> Vec<News> {
        self.look_at(SystemTime::now())
    }

    fn look_at(&mut self, now: SystemTime) -> Vec<News> {
        let mut news = Vec::new();
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
            // A date that lies ahead never grows old; being the same twice has to do.
            let settled = unchanged && (old || stamp.modified > now);
            if file.read == Some(stamp) || !settled {
                continue;
            }
            file.read = Some(stamp);
            file.content = read(&path);
            news.extend(match &file.content {
                Content::Right(loaded) => Some(News::Read(path, loaded.campaign.name.clone())),
                Content::Wrong(words) => Some(News::Wrong(path, words.clone())),
                Content::Unread => None,
            });
        }
        let wrong: BTreeMap<&Path, String> = self.wrong().into_iter().collect();
        for of_file in &mut news {
            // One that is right but for another file of its name.
            if let News::Read(path, _) = of_file
                && let Some(words) = wrong.get(path.as_path())
            {
                *of_file = News::Wrong(path.clone(), words.clone());
            }
        }
        news
    }

    /// The right campaigns with a name of their own.
    pub(super) fn campaigns(&self) -> Vec<(&Path, &Arc<Loaded>)> {
        let names = self.names();
        self.right().filter(|(_, loaded)| names[loaded.campaign.name.as_str()].len() == 1).collect()
    }

    /// Files that are no right campaigns, with what is wrong.
    pub(super) fn wrong(&self) -> Vec<(&Path, String)> {
        let names = self.names();
        let wrong = self.files.iter().filter_map(|(path, file)| match &file.content {
            Content::Wrong(words) => Some((path.as_path(), words.clone())),
            Content::Right(_) | Content::Unread => None,
        });
        let twice = self.right().filter_map(|(path, loaded)| {
            let other = names[loaded.campaign.name.as_str()].iter().find(|other| **other != path)?;
            let words = format!("`name: {}` is in {} too; neither is run", loaded.campaign.name, other.display());
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

/// The campaign files of a folder. What is hidden is somebody's copy while it is written.
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
        // Links are followed: what they lead to is what counts. One that leads nowhere may do so only for now.
        // Anything but a regular file is reported when it is read.
        if let Ok(file) = fs::metadata(&path) {
            let modified = file.modified()?;
            found.insert(path, Stamp { modified, length: file.len(), inode: file.ino() });
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Content {
    match campaign_file::read(path) {
        Ok(loaded) => match load::in_the_message(&loaded) {
            problems if problems.is_empty() => Content::Right(Arc::new(loaded)),
            problems => Content::Wrong(loaded.document.tell(&problems)),
        },
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

    /// A folder, and a look at it `seconds` after now.
    struct Place(tempfile::TempDir, Folder);

    impl Place {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let folder = Folder::open(place.path()).unwrap();
            Self(place, folder)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::write(&path, text).unwrap();
            path
        }

        fn look(&mut self, seconds: u64) -> Vec<News> {
            self.1.look_at(SystemTime::now() + Duration::from_secs(seconds))
        }

        fn names(&self) -> Vec<&str> {
            self.1.campaigns().into_iter().map(|(_, loaded)| loaded.campaign.name.as_str()).collect()
        }
    }

    #[test]
    fn a_file_is_read_once_it_is_left_alone_and_again_when_it_changes() {
        let mut place = Place::new();
        let path = place.write("a.yaml", &campaign("first"));
        assert_eq!(place.look(0), [], "it may be half written");
        assert_eq!(place.look(1), []);
        assert_eq!(place.look(3), [News::Read(path.clone(), "first".into())]);
        assert_eq!(place.look(4), []);
        place.write("a.yaml", &campaign("second-of-them"));
        assert_eq!((place.look(10), place.names()), (vec![], vec!["first"]), "seen changed for the first time");
        assert_eq!(place.look(11), [News::Read(path.clone(), "second-of-them".into())]);
        fs::remove_file(&path).unwrap();
        assert_eq!(place.look(12), [News::Gone(path)]);
        assert!(place.names().is_empty());
    }

    #[test]
    fn a_file_with_a_mistake_is_no_campaign_until_it_is_mended() {
        let mut place = Place::new();
        place.write("a.yaml", &campaign("first"));
        place.look(3);
        place.look(4);
        assert_eq!(place.names(), ["first"]);
        place.write("a.yaml", &campaign("first").replace("channel: viber", "channel: vibre"));
        place.look(10);
        let news = place.look(11);
        assert!(matches!(&news[..], [News::Wrong(_, words)] if words.contains("did you mean `viber`")), "{news:?}");
        assert!(place.names().is_empty());
        assert_eq!(place.1.wrong().len(), 1);
        place.write("a.yaml", &campaign("first"));
        place.look(20);
        place.look(21);
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
        let news = place.look(3);
        let told = |news: &&News| matches!(news, News::Wrong(_, words) if words.contains("neither is run"));
        assert_eq!((news.iter().filter(told).count(), news.len()), (2, 3), "{news:?}");
        assert_eq!(place.names(), ["other"]);
        assert!(place.1.wrong().iter().all(|(_, words)| words.contains("neither is run")));
    }
}
