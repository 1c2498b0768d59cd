//! `backstitch mcp` and what is no well-behaved client: broken messages, a client that leaves, and
//! whoever comes by HTTP without the token or from a web page.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use common::{World, processes_about, soon};
use serde_json::{Value, json};

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server, and what it prints, line by line.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Server {
    fn start(world: &World) -> Self {
        let mut command = world.command(&["mcp", "--offline"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let input = child.stdin.take();
        Self {
            child,
            input,
            lines,
        }
    }

    /// One that has begun with a client.
    fn begun(world: &World) -> Self {
        let mut server = Self::start(world);
        server.send(begin().to_string().as_bytes());
        let told = server.hear();
        assert_eq!(told["result"]["serverInfo"]["name"], "backstitch");
        server.send(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        server
    }

    fn send(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).unwrap();
        input.write_all(b"\n").unwrap();
    }

    /// The next message; whatever is printed must be one.
    #[track_caller]
    fn hear(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["jsonrpc"], "2.0", "{line}");
        told
    }

    #[track_caller]
    fn answers(&mut self, line: &[u8]) -> Value {
        self.send(line);
        self.hear()
    }

    /// Takes the client away; the server ends by itself, and answers what it printed yet.
    #[track_caller]
    fn leave(mut self) -> Vec<Value> {
        drop(self.input.take());
        let mut status = None;
        assert!(
            soon(|| {
                status = self.child.try_wait().unwrap();
                status.is_some()
            }) || soon(|| {
                status = self.child.try_wait().unwrap();
                status.is_some()
            }),
            "it does not end"
        );
        assert!(status.unwrap().success());
        let rest = self.lines.iter();
        rest.map(|line| serde_json::from_str(&line).unwrap())
            .collect()
    }
}

fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let _ = sender.send(line.unwrap());
        }
    });
    lines
}

fn begin() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    }})
}

fn call(id: u32, tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments}})
}

#[test]
fn whatever_is_sent_is_answered_in_words_and_nothing_else_is_printed() {
    let world = World::new();
    world.import_nothing_much();
    let mut server = Server::begun(&world);
    let huge = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":\"{}\"}}",
        "x".repeat(17 << 20)
    );
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for (line, code, id, why) in [
        (&b"nonsense"[..], -32700, None, "no JSON"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1", -32700, None, "no JSON"),
        (b"\xff\xfe\x00", -32700, None, "no JSON"),
        (deep.as_bytes(), -32700, None, "no JSON"),
        (huge.as_bytes(), -32600, None, "16 MiB"),
        (b"[]", -32600, None, "JSON-RPC 2.0"),
        (
            br#"{"id":5,"method":"ping"}"#,
            -32600,
            Some(5),
            "JSON-RPC 2.0",
        ),
        (
            br#"{"jsonrpc":"2.0","id":6,"method":"x/y"}"#,
            -32601,
            Some(6),
            "no such method",
        ),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#,
            -32602,
            Some(7),
            "takes a `name`",
        ),
        (
            br#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":[1]}}"#,
            -32602,
            Some(8),
            "takes a `name`",
        ),
        (
            br#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"sh"}}"#,
            -32602,
            Some(9),
            "there is no such tool",
        ),
    ] {
        let told = server.answers(line);
        let error = &told["error"];
        let shown = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
        assert_eq!(error["code"], code, "{shown}: {told}");
        assert_eq!(told["id"].as_u64(), id, "{shown}: {told}");
        assert!(
            error["message"].as_str().unwrap().contains(why),
            "{shown}: {told}"
        );
    }
    // A wrong notification has no answer, and a patch that is too large one of the tool's.
    server.send(br#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);
    server.send(br#"{"jsonrpc":"2.0","method":"notifications/no-such"}"#);
    let patch = json!({"patch": "x".repeat((4 << 20) + 1)});
    let told = server.answers(call(10, "test_patch", &patch).to_string().as_bytes());
    assert_eq!(told["result"]["isError"], true);
    let text = told["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("larger than 4 MiB"), "{text}");
    let told = server.answers(br#"{"jsonrpc":"2.0","id":11,"method":"ping"}"#);
    assert_eq!(told, json!({"jsonrpc": "2.0", "id": 11, "result": {}}));
    assert_eq!(server.leave(), Vec::<Value>::new());
}

#[test]
fn what_was_asked_before_the_input_ended_is_answered() {
    let world = World::new();
    world.import_nothing_much();
    let mut server = Server::begun(&world);
    server.send(call(1, "status", &json!({})).to_string().as_bytes());
    let rest = server.leave();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(rest[0]["result"]["isError"], false, "{rest:?}");
    assert_eq!(Server::start(&world).leave(), Vec::<Value>::new());
}

#[test]
fn a_client_that_leaves_takes_what_it_asked_for_with_it() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    world.import_nothing_much();
    world.write(
        "--- a.c\nint main(void) { return 0; }\n--- Makefile\na: a.c\n\t$(CC) -o $@ a.c\n\
         check: a\n\tsleep 86397.5\n",
    );
    let patch = "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int main(void) { return 0; }\n\
                 +int main(void) { return 0 + 0; }\n";
    let ask = call(1, "test_patch", &json!({"patch": patch})).to_string();
    let began = || {
        let mut server = Server::begun(&world);
        server.send(ask.as_bytes());
        let is_there = || !processes_about("86397.5").is_empty();
        assert!(soon(is_there) || soon(is_there));
        server
    };
    began().leave();
    assert!(soon(|| processes_about("86397.5").is_empty()));
    let mut killed = began();
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(soon(|| processes_about("86397.5").is_empty()));
}

/// The server over HTTP: where it is, and its token.
struct Http {
    child: Child,
    address: String,
    token: String,
}

impl Http {
    fn start(world: &World) -> Self {
        let mut command = world.command(&["mcp", "--offline", "--http", "127.0.0.1:0"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut after = |words: &str| {
            let line = said.find(|line| line.as_ref().unwrap().contains(words));
            let line = line.unwrap().unwrap();
            line.split_once(words).unwrap().1.to_owned()
        };
        let address = after("serving MCP at http://").replace("/mcp", "");
        let token = after("Authorization: Bearer ");
        std::thread::spawn(move || said.for_each(drop));
        Self {
            child,
            address,
            token,
        }
    }

    /// Sends a request whose head has these lines, and answers the status and the rest.
    fn post(&self, path: &str, head: &[String], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = head.iter().map(|line| format!("{line}\r\n"));
        let request = format!(
            "POST {path} HTTP/1.1\r\n{}Connection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\r\n",
            head.collect::<String>(),
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        // Whoever is refused early may find the connection closed.
        let _ = stream.write_all(body.as_bytes());
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        let told = String::from_utf8_lossy(&told).into_owned();
        let status = told.split(' ').nth(1).unwrap_or_default().parse();
        (status.unwrap_or_default(), told)
    }

    fn host(&self) -> String {
        format!("Host: {}", self.address)
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn over_http_only_who_has_the_token_is_let_in_and_no_web_page() {
    let world = World::new();
    world.import_nothing_much();
    let http = Http::start(&world);
    let begin = begin().to_string();
    let (host, bearer) = (http.host(), http.bearer());
    let port = http.address.rsplit(':').next().unwrap();
    let wrong = format!("Authorization: Bearer {}", "0".repeat(64));
    let line = |text: &str| text.to_owned();
    for (path, head, status) in [
        ("/mcp", vec![host.clone()], 401),
        ("/mcp", vec![host.clone(), wrong], 401),
        ("/other", vec![host.clone(), bearer.clone()], 404),
        (
            "/mcp",
            vec![line("Host: evil.example"), bearer.clone()],
            403,
        ),
        ("/mcp", vec![line("Host: 127.0.0.1:1"), bearer.clone()], 403),
        (
            "/mcp",
            vec![format!("Host: evil.example:{port}"), bearer.clone()],
            403,
        ),
        (
            "/mcp",
            vec![
                host.clone(),
                bearer.clone(),
                line("Origin: https://evil.example"),
            ],
            403,
        ),
        (
            "/mcp",
            vec![host.clone(), bearer.clone(), line("Origin: null")],
            403,
        ),
        (
            "/mcp",
            vec![
                host.clone(),
                bearer.clone(),
                format!("Origin: http://{}", http.address),
            ],
            403,
        ),
        ("/mcp", vec![host.clone(), bearer.clone()], 200),
        (
            "/mcp",
            vec![format!("Host: localhost:{port}"), bearer.clone()],
            200,
        ),
    ] {
        let (told, answer) = http.post(path, &head, &begin);
        assert_eq!(told, status, "{path} {head:?}: {answer}");
        assert_eq!(answer.contains("serverInfo"), status == 200, "{answer}");
    }
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20));
    let (status, _) = http.post("/mcp", &[host.clone(), bearer.clone()], &huge);
    assert_eq!(status, 413);
    let (status, _) = http.post("/mcp", &[host, bearer], "nonsense");
    assert!((400..500).contains(&status), "{status}");
}

#[test]
fn over_http_a_session_calls_tools() {
    let world = World::new();
    world.import_nothing_much();
    let http = Http::start(&world);
    let mut head = vec![http.host(), http.bearer()];
    let (_, begun) = http.post("/mcp", &head, &begin().to_string());
    let lower = begun.to_lowercase();
    let session = lower.split("mcp-session-id: ").nth(1).unwrap();
    let session = session.lines().next().unwrap().trim();
    head.push(format!("Mcp-Session-Id: {session}"));
    head.push("MCP-Protocol-Version: 2025-06-18".into());
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(http.post("/mcp", &head, initialized).0, 202);
    let asked = call(1, "status", &json!({})).to_string();
    let (status, told) = http.post("/mcp", &head, &asked);
    assert_eq!(status, 200, "{told}");
    let answer = told.lines().find_map(|line| line.strip_prefix("data: {"));
    let answer: Value = serde_json::from_str(&format!("{{{}", answer.unwrap())).unwrap();
    let roots = &answer["result"]["structuredContent"]["roots"];
    assert_eq!(*roots, json!([world.project()]));
    let stranger: Vec<_> = head
        .iter()
        .filter(|line| !line.contains("Bearer"))
        .cloned()
        .collect();
    assert_eq!(http.post("/mcp", &stranger, &asked).0, 401);
}

#[test]
fn an_address_that_others_could_reach_is_refused() {
    let world = World::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80"] {
        let ended = world.run(&["mcp", "--http", address]);
        ended.ended_with(3).said("serve at");
    }
    let token = world.path("token");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef\n").unwrap();
    let token = token.to_str().unwrap();
    world
        .run(&["mcp", "--http", "127.0.0.1:0", "--token-file", token])
        .ended_with(3)
        .said("others may read it");
    world.run(&["mcp", "--token-file", token]).ended_with(2);
    world
        .run(&["mcp", "no-such-folder"])
        .ended_with(3)
        .said("no-such-folder");
}
