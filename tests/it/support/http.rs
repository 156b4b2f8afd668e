//! HTTP/1.1 as bytes, for both ends of a connection. It shares nothing with the product or its simulator, so that no
//! misreading there is repeated here.

use std::io::{BufRead, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

/// One request or response, whole.
pub(crate) struct Message {
    /// The first line and the headers, up to the empty line and without it.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// Reads one, whose `content-length` says how long its body is. None if the connection ends before.
    pub(crate) fn read(from: &mut impl BufRead) -> Option<Self> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if from.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        head.truncate(head.len() - 4);
        let mut message = Self { head, body: Vec::new() };
        let length = message.header("content-length").map_or(0, |length| length.parse().unwrap());
        message.body.resize(length, 0);
        from.read_exact(&mut message.body).ok()?;
        Some(message)
    }

    /// The method of a request.
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// What a request asks for: a path with its query, or a whole URL if it goes to a proxy.
    pub(crate) fn target(&self) -> &str {
        self.head.split([' ', '\r']).nth(1).unwrap_or_default()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// All of it, as it came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n\r\n", &self.body].concat()
    }
}

/// A response; `headers` are whole lines, each with its end.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Scripted\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// Sends `request` as it is and gives all that comes back until the other side closes: the head and the body.
pub(crate) fn exchange(address: impl ToSocketAddrs, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}
