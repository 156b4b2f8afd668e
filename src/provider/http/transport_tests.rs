//! Tests the transport against a bare socket: which connection a request uses, and what is known without a response.
//! The integration tests cover the classification of failures.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::yield_now;

use hyper::StatusCode;

use super::*;
use crate::test_server::{request, server};

const TIMEOUT: Duration = Duration::from_millis(600);
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Gives the same response to every request on a connection.
fn always(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    server(move |_, mut stream| async move {
        while request(&mut stream).await.is_some() {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
}

fn transport(address: SocketAddr, most: usize) -> Transport {
    let sites = Channel::ALL.map(|channel| (channel, format!("http://{address}/to/{channel}").parse().unwrap()));
    let mut credential = HeaderValue::from_static("code-1234");
    credential.set_sensitive(true);
    let headers = HeaderMap::from_iter([(hyper::header::HeaderName::from_static("certification-code"), credential)]);
    Transport::new(&sites, &headers, most, TIMEOUT / 2, TIMEOUT).unwrap()
}

async fn send(transport: &Transport) -> Result<HttpAnswer, Failure> {
    transport.send(Channel::Viber, b"{}".to_vec(), || async { true }).await
}

/// Returns the body of the response; fails if there is none.
async fn body(transport: &Transport) -> String {
    String::from_utf8(send(transport).await.ok().unwrap().body.unwrap()).unwrap()
}

fn kept(transport: &Transport) -> usize {
    transport.idle.kept().lines.len()
}

fn count(seen: &AtomicUsize) -> usize {
    seen.load(Ordering::SeqCst)
}

/// Lets other tasks and the sockets make progress.
async fn settle() {
    for _ in 0..300 {
        yield_now().await;
    }
}

#[tokio::test]
async fn one_connection_carries_one_request_after_another_with_the_head_that_was_prepared() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let saw = heads.clone();
    let (address, seen) = server(move |_, mut stream| {
        let saw = saw.clone();
        async move {
            while let Some(head) = request(&mut stream).await {
                saw.lock().unwrap().push(head);
                let _ = stream.write_all(OK.as_bytes()).await;
            }
        }
    });
    let transport = transport(address, 8);
    for _ in 0..20 {
        assert_eq!(body(&transport).await, "ok");
        assert_eq!(kept(&transport), 1);
    }
    assert_eq!(count(&seen), 1);
    let head = format!(
        "POST /to/viber HTTP/1.1\r\nhost: {address}\r\ncertification-code: code-1234\r\ncontent-length: 2\r\n\r\n"
    );
    assert!(heads.lock().unwrap().iter().all(|seen| *seen == head), "{heads:?}");
    assert!(!format!("{transport:?}").contains("1234"));
}

#[tokio::test]
async fn two_requests_at_once_use_two_connections_and_no_more_are_kept_than_wished() {
    // Responds only when there are two requests.
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let (address, seen) = server(move |_, mut stream| {
        let both = both.clone();
        async move {
            while request(&mut stream).await.is_some() {
                both.wait().await;
                let _ = stream.write_all(OK.as_bytes()).await;
            }
        }
    });
    for (most, connections) in [(2, 2), (1, 2 + 3)] {
        let transport = transport(address, most);
        for _ in 0..2 {
            assert_eq!(tokio::join!(body(&transport), body(&transport)), ("ok".into(), "ok".into()));
        }
        assert_eq!(kept(&transport), most);
        assert_eq!(count(&seen), connections, "{most} kept");
    }
}

#[tokio::test]
async fn connections_that_were_closed_while_they_idled_are_replaced_without_a_doubt() {
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let (end, ended) = tokio::sync::watch::channel(false);
    let (address, seen) = server(move |number, mut stream| {
        let (both, mut ended) = (both.clone(), ended.clone());
        async move {
            request(&mut stream).await;
            if number <= 2 {
                both.wait().await;
            }
            let _ = stream.write_all(OK.as_bytes()).await;
            let _ = ended.wait_for(|ended| *ended).await;
            // One of them closes with an unrequested response.
            if number == 2 {
                let _ = stream.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await;
            }
        }
    });
    let transport = transport(address, 8);
    tokio::join!(body(&transport), body(&transport));
    assert_eq!(kept(&transport), 2);
    end.send(true).unwrap();
    settle().await;
    assert_eq!(body(&transport).await, "ok");
    assert_eq!(count(&seen), 3, "both are dropped, and one is new");
}

#[tokio::test]
async fn what_was_written_decides_whether_a_request_may_have_left() {
    // A request on a closed connection uses up nothing.
    let (address, _) = always(OK);
    let mut line = transport(address, 1).connector.connect().await.unwrap();
    line.connection = None;
    let head = transport(address, 1).heads[0].1.clone();
    let failure = line.requests.send_request(head.map(|()| Full::new(Bytes::new()))).await.unwrap_err();
    assert!(failure.is_canceled() && line.written() == 0);

    // The other side reads a part and closes.
    let (address, seen) = server(|_, mut stream| async move {
        let _ = stream.read_u8().await;
    });
    let large = vec![b'x'; 1 << 20];
    let failure = transport(address, 1).send(Channel::Rcs, large, || async { true }).await.err().unwrap();
    assert!(matches!(failure, Failure::Lost(_)), "{failure:?}");
    assert_eq!(count(&seen), 1, "it is not sent again");

    // The count is in bytes.
    let (address, _) = always(OK);
    let transport = transport(address, 1);
    body(&transport).await;
    let line = transport.idle.take().unwrap();
    let head = format!("POST /to/viber HTTP/1.1\r\nhost: {address}\r\ncertification-code: code-1234\r\n");
    assert_eq!(line.written(), (head.len() + "content-length: 2\r\n\r\n{}".len()) as u64);
}

/// Otherwise requests that waited for slow connections would be permitted one by one and arrive together.
#[tokio::test]
async fn a_request_is_let_go_when_there_is_a_connection_for_it_and_each_time_there_is_another() {
    let close = Arc::new(tokio::sync::Notify::new());
    let closes = close.clone();
    let (address, seen) = server(move |_, mut stream| {
        let closes = closes.clone();
        async move {
            request(&mut stream).await;
            let _ = stream.write_all(OK.as_bytes()).await;
            closes.notified().await;
        }
    });
    let transport = transport(address, 8);
    let asked = AtomicUsize::new(0);
    let ask = |leaves| {
        asked.fetch_add(1, Ordering::SeqCst);
        async move { leaves }
    };
    let send = || transport.send(Channel::Viber, b"{}".to_vec(), || ask(true));
    let held = transport.send(Channel::Viber, b"{}".to_vec(), || ask(false)).await.err().unwrap();
    assert!(matches!(held, Failure::Held) && count(&asked) == 1, "{held:?}");
    let answer = send().await;
    assert_eq!((answer.ok().unwrap().status, count(&asked), kept(&transport)), (StatusCode::OK, 2, 1));
    close.notify_waiters();
    settle().await;
    // This is detected only after the request was permitted.
    let answer = send().await;
    assert_eq!((answer.ok().unwrap().status, count(&asked), kept(&transport)), (StatusCode::OK, 4, 1));
    close.notify_waiters();
    settle().await;
    // A connection that was idle for longer is checked before.
    transport.idle.kept().lines[0].0 -= LATELY * 2;
    let answer = send().await;
    assert_eq!((answer.ok().unwrap().status, count(&asked), kept(&transport)), (StatusCode::OK, 5, 1));
    assert_eq!(count(&seen), 4);

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failure = self::transport(nobody, 8).send(Channel::Viber, Vec::new(), || ask(true)).await.err().unwrap();
    assert!(matches!(failure, Failure::Connect(_)) && count(&asked) == 5, "{failure:?}");
}

/// While a request waits for its permission, the server may close the connection: the provider is still reachable.
#[tokio::test]
async fn a_new_connection_that_is_closed_while_its_request_waits_is_replaced() {
    let (address, seen) = server(|number, mut stream| async move {
        if number > 1 && request(&mut stream).await.is_some() {
            let _ = stream.write_all(OK.as_bytes()).await;
        }
    });
    let transport = transport(address, 8);
    let leave = || async {
        if count(&seen) < 2 {
            settle().await;
            tokio::time::pause();
            tokio::time::advance(LATELY * 2).await;
            tokio::time::resume();
        }
        true
    };
    let answer = transport.send(Channel::Viber, b"{}".to_vec(), leave).await;
    assert_eq!((answer.ok().unwrap().status, count(&seen)), (StatusCode::OK, 2));
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_over_a_request_leaves_it_in_doubt() {
    let (address, seen) = server(|_, mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(OK.as_bytes()).await;
        request(&mut stream).await;
    });
    let transport = transport(address, 8);
    body(&transport).await;
    let failure = send(&transport).await.err().unwrap();
    assert!(matches!(failure, Failure::Lost(_)), "{failure:?}");
    assert_eq!((count(&seen), kept(&transport)), (1, 0));
}

#[tokio::test]
async fn an_answer_is_read_to_its_end_however_that_is_reported_and_kept_where_both_sides_keep_it() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nx-more: 1\r\n\r\n";
    for (answer, connections) in [
        (chunked, 1),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 1),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", 3),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 3),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 1),
    ] {
        let (address, seen) = always(answer);
        let transport = transport(address, 8);
        for _ in 0..3 {
            assert_eq!(body(&transport).await, "ok", "{answer}");
        }
        assert_eq!(count(&seen), connections, "{answer}");
        assert_eq!(kept(&transport), usize::from(connections == 1), "{answer}");
    }
    // Without a length, the end of the connection is the end of the response.
    let (address, seen) = server(|_, mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nok").await;
    });
    let transport = transport(address, 8);
    assert_eq!((body(&transport).await, body(&transport).await), ("ok".into(), "ok".into()));
    assert_eq!((count(&seen), kept(&transport)), (2, 0));
}

#[tokio::test]
async fn an_answer_that_comes_before_the_request_is_wholly_written_counts_and_its_connection_does_not_stay() {
    let (address, seen) = server(|_, mut stream| async move {
        let _ = stream.read_u8().await;
        let _ = stream.write_all(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno").await;
        // Stays open and unread while the client exists.
        let _ = stream.writable().await;
        std::future::pending::<()>().await;
    });
    let transport = transport(address, 8);
    let answer = transport.send(Channel::Viber, vec![b'x'; 32 << 20], || async { true }).await.ok().unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.unwrap()), (413, b"no".to_vec()));
    assert_eq!((count(&seen), kept(&transport)), (1, 0));
}

#[tokio::test]
async fn an_answer_of_more_than_a_mebibyte_is_not_read_to_its_end() {
    for (bytes, fits) in [(LARGEST_ANSWER, true), (LARGEST_ANSWER + 1, false)] {
        let (address, _) = server(move |_, mut stream| async move {
            request(&mut stream).await;
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n").as_bytes()).await;
            let _ = stream.write_all(&vec![b' '; bytes]).await;
            request(&mut stream).await;
        });
        let transport = transport(address, 8);
        match send(&transport).await.ok().unwrap().body {
            Ok(body) => assert!(fits && body.len() == bytes),
            Err(broken) => assert!(!fits && matches!(broken, BadAnswer::TooLarge), "{broken:?}"),
        }
        assert_eq!(kept(&transport), usize::from(fits));
    }
}

#[tokio::test]
async fn an_answer_has_until_the_timeout_and_what_is_late_takes_its_connection_along() {
    for (begins, head) in [(false, ""), (true, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")] {
        let (closed, mut gone) = tokio::sync::mpsc::channel(1);
        let (address, _) = server(move |_, mut stream| {
            let closed = closed.clone();
            async move {
                request(&mut stream).await;
                let _ = stream.write_all(head.as_bytes()).await;
                request(&mut stream).await;
                let _ = closed.send(()).await;
            }
        });
        let transport = transport(address, 8);
        let begun = Instant::now();
        match send(&transport).await {
            Ok(answer) => assert!(begins && matches!(answer.body, Err(BadAnswer::BrokeOff(_)))),
            Err(failure) => assert!(!begins && matches!(failure, Failure::Timeout), "{failure:?}"),
        }
        assert!((TIMEOUT..TIMEOUT * 4).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        gone.recv().await.unwrap();
        assert_eq!(kept(&transport), 0);
    }
}

#[tokio::test]
async fn a_connection_that_idles_for_too_long_is_closed_and_not_used() {
    let (address, seen) = always(OK);
    let transport = transport(address, 8);
    body(&transport).await;
    tokio::time::pause();
    tokio::time::advance(crate::provider::http::pool::IDLE - Duration::from_secs(5)).await;
    settle_paused().await;
    assert_eq!(kept(&transport), 1);
    tokio::time::advance(Duration::from_secs(6)).await;
    settle_paused().await;
    assert_eq!(kept(&transport), 0, "closed though nothing is sent");
    tokio::time::resume();
    assert_eq!(body(&transport).await, "ok");
    assert_eq!((count(&seen), kept(&transport)), (2, 1));
    assert!(transport.idle.kept().closing.is_some(), "someone looks after the new one too");

    transport.idle.kept().lines[0].0 = Instant::now();
    assert!(transport.idle.take().is_none(), "also where nobody has closed it yet");
}

/// As `settle`, while time is paused.
async fn settle_paused() {
    for _ in 0..10 {
        yield_now().await;
    }
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // The name has two addresses on most machines, and nothing listens on the IPv6 one.
    let (address, seen) = always(OK);
    let sites = Channel::ALL.map(|channel| (channel, format!("http://localhost:{}", address.port()).parse().unwrap()));
    let transport = Transport::new(&sites, &HeaderMap::new(), 1, TIMEOUT / 2, TIMEOUT).unwrap();
    assert_eq!(body(&transport).await, "ok");
    assert_eq!(count(&seen), 1);
}

/// It exists for every message in flight, so seldom-needed parts are boxed.
#[tokio::test]
async fn a_message_on_its_way_takes_little_room() {
    let transport = transport("127.0.0.1:9".parse().unwrap(), 1);
    let way = transport.send(Channel::Whatsapp, Vec::new(), || async { true });
    assert!(size_of_val(&way) <= 1024, "{} bytes", size_of_val(&way));
}
