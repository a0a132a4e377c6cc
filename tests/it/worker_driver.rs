//! Plays Bazel: starts `hollow worker`, sends requests, and hears the answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{HOLLOW, Scratch};

/// Longer than anything takes that is waited for.
const LONG: Duration = Duration::from_secs(60);

/// A worker and its streams. Killed when it is dropped.
pub struct Driver {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<Value>,
    log: Receiver<String>,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub id: i64,
    pub code: i64,
    pub output: String,
    pub cancelled: bool,
}

impl Driver {
    pub fn start(scratch: &Scratch, options: &[&str]) -> Self {
        let mut command = scratch.command(HOLLOW);
        command.arg("worker").args(options).arg("--persistent_worker");
        Self::of(&mut command)
    }

    pub fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (answer, answers) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.unwrap();
                let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("not an answer ({error}): {line}"));
                let _ = answer.send(value);
            }
        });
        let (said, log) = channel();
        let mut stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            let _ = said.send(text);
        });
        Self { input: child.stdin.take(), child, answers, log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends these bytes as they are.
    pub fn send_raw(&mut self, bytes: impl AsRef<[u8]>) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes.as_ref()).unwrap();
        input.flush().unwrap();
    }

    /// Sends a message as Bazel 4 does: without a line end, and without what has its default value.
    pub fn send(&mut self, mut message: Value) {
        message.as_object_mut().unwrap().retain(|_, value| !matches!(value, Value::Bool(false)) && *value != 0 && *value != "");
        self.send_raw(message.to_string());
    }

    /// Sends a request whose arguments are separated by spaces.
    pub fn request(&mut self, id: i64, arguments: &str) {
        self.send(json!({"arguments": arguments.split_whitespace().collect::<Vec<_>>(), "requestId": id}));
    }

    /// The same with inputs, each with the content as its digest.
    pub fn request_with(&mut self, id: i64, arguments: &str, root: &Path, inputs: &[&str]) {
        let inputs: Vec<Value> = inputs
            .iter()
            .map(|input| json!({"path": input, "digest": format!("{:?}", std::fs::read(root.join(input)).unwrap_or_default())}))
            .collect();
        self.send(json!({"arguments": arguments.split_whitespace().collect::<Vec<_>>(), "requestId": id, "inputs": inputs}));
    }

    pub fn cancel(&mut self, id: i64) {
        self.send(json!({"requestId": id, "cancel": true}));
    }

    /// The next answer, of whichever request.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        let answer = self.answers.recv_timeout(LONG).expect("an answer");
        let number = |name: &str| answer[name].as_i64().unwrap_or_default();
        Answer {
            id: number("requestId"),
            code: number("exitCode"),
            output: answer["output"].as_str().unwrap_or_default().into(),
            cancelled: answer["wasCancelled"].as_bool().unwrap_or_default(),
        }
    }

    /// The next so many answers, by id.
    #[track_caller]
    pub fn answers(&mut self, count: usize) -> Vec<Answer> {
        let mut answers: Vec<Answer> = (0..count).map(|_| self.answer()).collect();
        answers.sort_by_key(|answer| answer.id);
        answers
    }

    /// Panics unless the next answer is this request's and a success.
    #[track_caller]
    pub fn succeeds(&mut self, id: i64) -> Answer {
        let answer = self.answer();
        assert!(answer.id == id && answer.code == 0 && !answer.cancelled, "{answer:?}");
        answer
    }

    /// Ends the input, waits for the worker's end, and gives its status and all that it said on standard error. Panics if there are answers left.
    #[track_caller]
    pub fn finish(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        self.ended()
    }

    /// The same after a signal.
    #[track_caller]
    pub fn ended(&mut self) -> (Option<i32>, String) {
        let log = self.log.recv_timeout(LONG).expect("the worker's end");
        let code = self.child.wait().unwrap().code();
        match self.answers.recv_timeout(LONG) {
            Err(RecvTimeoutError::Disconnected) => {}
            other => panic!("an answer that nobody asked for: {other:?}"),
        }
        (code, log)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
