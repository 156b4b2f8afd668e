//! Where a store is: in a file, or on a PostgreSQL server.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Where a store is, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this file.
    File(PathBuf),
    /// On this server.
    Server(ServerUrl),
}

/// The address of a database on a server. It prints without its password.
#[derive(Clone)]
pub struct ServerUrl {
    shown: String,
    pub(in crate::store) options: Box<PgConnectOptions>,
    /// The tables' place in the database.
    pub(in crate::store) schema: String,
}

/// Why a text is not the address of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadServerUrl {
    /// Not a URL that PostgreSQL's clients know.
    #[error("not the URL of a PostgreSQL database; expected something like postgres://user@host/database")]
    NotOne,
    /// A password with a character that ends it, so it is unknown where it ends.
    #[error(
        "the database URL has a character that must be written in another way, probably in the password: write `@` as %40, \
         `/` as %2F, `?` as %3F and `#` as %23"
    )]
    Unescaped,
    /// A parameter that is not known: its value may be a secret, and is not printed.
    #[error(
        "the database URL has an unknown parameter {0:?}; the parameters are {known}",
        known = PARAMETERS.join(", ")
    )]
    Unknown(String),
    /// A connection over the network that may be in the clear.
    #[error(
        "the connection to {0} would not be encrypted; add sslmode=require to the database URL or, better, \
         sslmode=verify-full"
    )]
    InTheClear(String),
    /// A schema whose name is not a plain word.
    #[error(
        "the schema {0:?} in the database URL is not valid; use at most 63 lowercase letters, digits and `_`, and do not start with a digit"
    )]
    Schema(String),
}

/// The parameters of a URL.
const PARAMETERS: [&str; 9] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "port", "user", "dbname", "schema"];

/// The schema of the tables, unless the URL names another.
const SCHEMA: &str = "campaigner";

impl FromStr for Location {
    type Err = BadServerUrl;

    /// Reads a location: a URL that starts with `postgres://` or `postgresql://`, or the path of a file.
    fn from_str(text: &str) -> Result<Self, BadServerUrl> {
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => text.parse().map(Self::Server),
            false if looks_like_a_database(text) => Err(BadServerUrl::NotOne),
            false => Ok(Self::File(text.into())),
        }
    }
}

impl FromStr for ServerUrl {
    type Err = BadServerUrl;

    fn from_str(text: &str) -> Result<Self, BadServerUrl> {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        if rest.contains('#') || rest.matches('@').count() > authority.matches('@').count().min(1) {
            return Err(BadServerUrl::Unescaped);
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut schema, mut kept) = (SCHEMA.to_owned(), Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "schema" => value.clone_into(&mut schema),
                _ if PARAMETERS.contains(&name) => kept.push(parameter),
                _ => return Err(BadServerUrl::Unknown(name.to_owned())),
            }
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if schema.is_empty()
            || schema.len() > 63
            || !schema.chars().all(is_plain)
            || schema.starts_with(char::is_numeric)
        {
            return Err(BadServerUrl::Schema(schema));
        }
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        // Its own error would quote what may be a password.
        let options = PgConnectOptions::from_str(&format!("{base}{query}")).map_err(|_| BadServerUrl::NotOne)?;
        let is_local = options.get_socket().is_some() || is_loopback(options.get_host());
        let is_weak = matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer);
        if is_weak && !is_local {
            return Err(BadServerUrl::InTheClear(options.get_host().to_owned()));
        }
        Ok(Self { shown: without_password(text), options: Box::new(options), schema })
    }
}

/// Whether a text that is no URL of a database was probably meant as one. As the name of a file, it would be a new
/// store that knows no earlier run, and its password would be shown.
fn looks_like_a_database(text: &str) -> bool {
    let words = text.to_lowercase();
    let keys = ["host=", "hostaddr=", "dbname=", "user=", "password=", "service="];
    words.contains("://")
        || ["postgres:", "postgresql:", "jdbc:"].iter().any(|start| words.starts_with(start))
        || words.split_whitespace().any(|word| keys.iter().any(|key| word.trim_matches(['"', '\'']).starts_with(key)))
}

/// Returns a URL without its password.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            format!("{scheme}://{user}@{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// Whether a host is this machine: a folder of sockets, or an address that no other machine reaches.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.starts_with('/')
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for ServerUrl {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl Eq for ServerUrl {}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(url) => url.fmt(f),
        }
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Self {
        location.clone()
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}
