//! The agent: the other side of the protocol, in as many characters as the tests need.

use std::fs;
use std::io::{BufRead, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    CancelNotification, ContentBlock, ContentChunk, CreateTerminalRequest, InitializeRequest,
    InitializeResponse, NewSessionRequest, NewSessionResponse, PermissionOption,
    PermissionOptionKind, PromptRequest, PromptResponse, ReadTextFileRequest,
    RequestPermissionOutcome, RequestPermissionRequest, SessionId, SessionNotification,
    SessionUpdate, StopReason, TextContent, ToolCallLocation, ToolCallUpdate, ToolCallUpdateFields,
    ToolKind, WriteTextFileRequest,
};
use agent_client_protocol::{self as acp, Agent, Client};
use futures::channel::mpsc::unbounded;
use futures::channel::oneshot;

/// The file with the flaw, as the agent sees it.
const FILE: &str = "/project/sum.sh";

type Here = ConnectionTo<Client>;

/// Plays a part until its input ends.
pub fn act(words: &[String]) {
    let part = words[0].as_str();
    match part {
        "talks" => println!("hello, I am starting"),
        "dies" => {
            eprintln!("my last words");
            std::process::exit(3);
        }
        "deaf" => std::thread::sleep(Duration::from_secs(600)),
        "strange" | "floods" | "later" | "locked" => by_hand(part),
        _ => by_the_crate(words.to_vec()),
    }
}

/// What no well-made agent does is written by hand: an answer for each line that comes.
fn by_hand(part: &str) {
    let answers = match part {
        "later" => vec![r#"{"protocolVersion":7}"#],
        "locked" => vec![r#"{"protocolVersion":1}"#],
        _ => vec![
            r#"{"protocolVersion":1,"agentCapabilities":{}}"#,
            r#"{"sessionId":"s"}"#,
            r#"{"stopReason":"because"}"#,
        ],
    };
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let message: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = &message["id"];
        if part == "floods" && number == 2 {
            let note = r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"and then and then and then and then and then and then"}}}}"#;
            while writeln!(std::io::stdout(), "{note}").is_ok() {}
            return;
        }
        match answers.get(number) {
            Some(answer) => println!(r#"{{"jsonrpc":"2.0","id":{id},"result":{answer}}}"#),
            None => println!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32000,"message":"log in first"}}}}"#
            ),
        }
    }
}

fn by_the_crate(words: Vec<String>) {
    let (into, lines) = unbounded();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let _ = into.unbounded_send(line);
        }
    });
    let sink = futures::sink::unfold((), |(), line: String| async move {
        println!("{line}");
        Ok::<_, std::io::Error>(())
    });
    let (cancel, cancelled) = oneshot::channel();
    let cancel = Arc::new(Mutex::new(Some(cancel)));
    let mut cancelled = Some(cancelled);
    let agent = Agent
        .v1()
        .on_receive_request(
            async |hello: InitializeRequest, responder, _| {
                responder.respond(InitializeResponse::new(hello.protocol_version))
            },
            acp::on_receive_request!(),
        )
        .on_receive_request(
            async |session: NewSessionRequest, responder, _| {
                assert_eq!(session.cwd, Path::new("/project"));
                responder.respond(NewSessionResponse::new("s"))
            },
            acp::on_receive_request!(),
        )
        .on_receive_request(
            async move |prompt: PromptRequest, responder, here: Here| {
                let (words, cancelled) = (words.clone(), cancelled.take());
                here.clone().spawn(async move {
                    let stop = turn(&words, &prompt, &here, cancelled).await?;
                    responder.respond(PromptResponse::new(stop))
                })
            },
            acp::on_receive_request!(),
        )
        .on_receive_notification(
            async move |_: CancelNotification, _| {
                if let Some(cancel) = cancel.lock().unwrap().take() {
                    let _ = cancel.send(());
                }
                Ok(())
            },
            acp::on_receive_notification!(),
        );
    futures::executor::block_on(agent.connect_to(acp::Lines::new(sink, lines))).unwrap();
}

async fn turn(
    words: &[String],
    prompt: &PromptRequest,
    here: &Here,
    cancelled: Option<oneshot::Receiver<()>>,
) -> Result<StopReason, acp::Error> {
    let session = &prompt.session_id;
    let ContentBlock::Text(text) = &prompt.prompt[0] else {
        return Ok(StopReason::Refusal);
    };
    assert!(text.text.contains("sum.sh") && text.text.contains("# The brief"));
    match words[0].as_str() {
        "protocol" => {
            let asked = read(here, session, FILE).await?;
            let mended = asked.replace("-lt", "-le");
            write(here, session, FILE, &mended).await?;
            say(here, session, "the last number was left out")?;
        }
        "hands" => {
            let mended = fs::read_to_string("sum.sh").unwrap().replace("-lt", "-le");
            fs::write("sum.sh", mended).unwrap();
        }
        "removes" => fs::remove_file("sum.sh").unwrap(),
        "idle" => say(here, session, "all is well")?,
        "declines" => say(here, session, "I'm sorry, but I can't help with that.")?,
        "refuses" | "full" | "tires" | "cancels" => return stopping(words, here, session),
        "polite" => {
            let _ = cancelled.unwrap().await;
            return Ok(StopReason::Cancelled);
        }
        "hangs" => futures::future::pending().await,
        "calls" => {
            let called = TcpStream::connect(("127.0.0.1", words[1].parse::<u16>().unwrap()));
            say(
                here,
                session,
                if called.is_ok() {
                    "it called"
                } else {
                    "it did not"
                },
            )?;
        }
        "pries" => {
            let got = pry(here, session, &words[1], Path::new(&words[2])).await?;
            say(here, session, &format!("got: {got}"))?;
        }
        other => panic!("there is no part {other}"),
    }
    Ok(StopReason::EndTurn)
}

/// Changes the file, and then stops in a way that makes that worth nothing.
fn stopping(words: &[String], here: &Here, session: &SessionId) -> Result<StopReason, acp::Error> {
    fs::write("sum.sh", "exit 0\n").unwrap();
    say(here, session, "I will not do that")?;
    Ok(match words[0].as_str() {
        "refuses" => StopReason::Refusal,
        "full" => StopReason::MaxTokens,
        "tires" => StopReason::MaxTurnRequests,
        _ => StopReason::Cancelled,
    })
}

fn say(here: &Here, session: &SessionId, text: &str) -> Result<(), acp::Error> {
    let chunk = ContentChunk::new(ContentBlock::Text(TextContent::new(text)));
    let update = SessionUpdate::AgentMessageChunk(chunk);
    here.send_notification(SessionNotification::new(session.clone(), update))
}

async fn read(here: &Here, session: &SessionId, path: &str) -> Result<String, acp::Error> {
    let request = ReadTextFileRequest::new(session.clone(), path);
    Ok(here.send_request(request).block_task().await?.content)
}

async fn write(here: &Here, session: &SessionId, path: &str, text: &str) -> Result<(), acp::Error> {
    let request = WriteTextFileRequest::new(session.clone(), path, text);
    here.send_request(request).block_task().await.map(drop)
}

/// Asks to do something; answers whether that was granted.
async fn ask(
    here: &Here,
    session: &SessionId,
    kind: Option<ToolKind>,
    path: Option<&str>,
) -> Result<bool, acp::Error> {
    let mut fields = ToolCallUpdateFields::new().title("a harmless thing");
    if let Some(kind) = kind {
        fields = fields.kind(kind);
    }
    if let Some(path) = path {
        fields = fields.locations(vec![ToolCallLocation::new(path)]);
    }
    let options = [
        ("always", PermissionOptionKind::AllowAlways),
        ("yes", PermissionOptionKind::AllowOnce),
        ("no", PermissionOptionKind::RejectOnce),
    ];
    let options = options.map(|(id, kind)| PermissionOption::new(id, id, kind));
    let call = ToolCallUpdate::new("call", fields);
    let request = RequestPermissionRequest::new(session.clone(), call, options.to_vec());
    let answer = here.send_request(request).block_task().await?;
    Ok(match answer.outcome {
        RequestPermissionOutcome::Selected(option) => &*option.option_id.0 != "no",
        _ => false,
    })
}

/// Tries to get at everything that an agent must not; answers what it got.
async fn pry(
    here: &Here,
    session: &SessionId,
    port: &str,
    user: &Path,
) -> Result<String, acp::Error> {
    let mut got = Vec::new();
    // By itself, in the sandbox.
    let key = user.join(".ssh/id_rsa");
    let outside: [PathBuf; 4] = [
        key.clone(),
        user.to_owned(),
        "/etc/ssh/ssh_host_ed25519_key".into(),
        "/etc/shadow".into(),
    ];
    let there = outside.iter().filter(|path| path.exists());
    got.extend(there.map(|path| path.display().to_string()));
    if fs::read_dir(std::env::var("HOME").unwrap()).is_ok_and(|mut home| home.next().is_some()) {
        got.push("a home".into());
    }
    if std::env::vars().any(|(name, value)| name == "MY_TOKEN" || value.contains("hunter")) {
        got.push("a variable".into());
    }
    if TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).is_ok() {
        got.push("this machine".into());
    }
    if fs::write(user.join("written"), "x").is_ok() || fs::write("/usr/written", "x").is_ok() {
        got.push("a file outside".into());
    }
    // Through the protocol.
    std::os::unix::fs::symlink(&key, "/project/link").unwrap();
    std::os::unix::fs::symlink(user, "/project/folder").unwrap();
    let written = user.join("written");
    for path in [
        key.to_str().unwrap(),
        "/project/../etc/passwd",
        "/project/link",
        "/project/folder/.ssh/id_rsa",
        "/etc/passwd",
    ] {
        if read(here, session, path).await.is_ok() {
            got.push(format!("reads {path}"));
        }
    }
    for path in [written.to_str().unwrap(), "/project/folder/written"] {
        if write(here, session, path, "x").await.is_ok() {
            got.push(format!("writes {path}"));
        }
    }
    let terminal = CreateTerminalRequest::new(session.clone(), "/bin/sh");
    if here.send_request(terminal).block_task().await.is_ok() {
        got.push("a terminal".into());
    }
    for (kind, path, may) in [
        (Some(ToolKind::Edit), Some(FILE), true),
        (Some(ToolKind::Edit), Some("/etc/passwd"), false),
        (Some(ToolKind::Execute), None, false),
        (Some(ToolKind::Fetch), None, false),
        (None, Some(FILE), false),
    ] {
        if ask(here, session, kind, path).await? != may {
            got.push(format!("{kind:?} {path:?}"));
        }
    }
    for link in ["/project/link", "/project/folder"] {
        fs::remove_file(link).unwrap();
    }
    if got.is_empty() {
        return Ok("nothing".into());
    }
    Ok(got.join(", "))
}
