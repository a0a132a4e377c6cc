//! Bazel's `worker_protocol.proto`: what is asked, what is answered, and the two ways in which both are written.
//!
//! Fields that have their default value are left out, in either way (bazel#14293), and unknown ones are ignored.

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result, bail};
use prost::Message;
use serde::{Deserialize, Deserializer, Serialize};

use super::frame;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Objects of JSON one after the other, with or without line ends between them: Bazel 4 writes none.
    Json,
    /// Messages of protobuf, each after its length.
    Proto,
}

/// What Bazel asks: `blaze.worker.WorkRequest`.
#[derive(Clone, PartialEq, Eq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// The action's arguments, flagfiles expanded.
    #[prost(string, repeated, tag = "1")]
    pub arguments: Vec<String>,
    /// The action's inputs, tools and flagfiles among them.
    #[prost(message, repeated, tag = "2")]
    pub inputs: Vec<Input>,
    /// What the answer is to be marked with. 0 is a singleplex request: the next comes when it is answered.
    #[prost(int32, tag = "3")]
    pub request_id: i32,
    /// Nobody waits for the request of this id any more.
    #[prost(bool, tag = "4")]
    pub cancel: bool,
    /// Above 0 if Bazel was told to log more.
    #[prost(int32, tag = "5")]
    pub verbosity: i32,
    /// Where the request's inputs and outputs are, below the working directory; empty is the working directory.
    #[prost(string, tag = "6")]
    pub sandbox_dir: String,
}

/// A file that an action may read: `blaze.worker.Input`.
#[derive(Clone, PartialEq, Eq, Message, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Below the exec root.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Tells whether the content is another one; of no known form.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "opaque")]
    pub digest: Vec<u8>,
}

/// The answer: `blaze.worker.WorkResponse`.
#[derive(Clone, PartialEq, Eq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The action's exit status.
    #[prost(int32, tag = "1")]
    pub exit_code: i32,
    /// What people are to read.
    #[prost(string, tag = "2")]
    pub output: String,
    /// The request's.
    #[prost(int32, tag = "3")]
    pub request_id: i32,
    /// The request was given up because Bazel said so.
    #[prost(bool, tag = "4")]
    pub was_cancelled: bool,
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A request, or the end of one.
    Request(Request),
    /// Something that is no request: the id in it, if one could be found, and what is wrong with it.
    Malformed(Option<i32>, String),
}

/// Digests are compared only, so the text is as good as the bytes that it stands for.
fn opaque<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    Ok(String::deserialize(deserializer)?.into_bytes())
}

impl Protocol {
    /// Tells the two apart by the first bytes. In JSON these are `{"` or `{}`. In protobuf they are a length, and then the number of a field with
    /// its type: a `"` would be the fourth field with a type that it does not have, a `}` the fifteenth.
    ///
    /// `None` if there is no input at all.
    pub fn detect(input: &mut impl BufRead) -> io::Result<Option<Self>> {
        let start = input.fill_buf()?;
        Ok(match start {
            [] => None,
            // With a pipe's first byte alone, it can't be told; no writer writes that little.
            [b'{'] | [b'{', b'"' | b'}', ..] => Some(Self::Json),
            _ => Some(Self::Proto),
        })
    }

    /// The next message; `None` at the end of the input. An error is the end of it, too: what follows can't be understood.
    pub fn read(self, input: &mut impl BufRead) -> Result<Option<Incoming>> {
        match self {
            Self::Json => Ok(frame::next_object(input).context("cannot read a request")?.map(|object| from_json(&object))),
            Self::Proto => read_proto(input),
        }
    }

    /// Writes an answer, all at once.
    pub fn write(self, response: &Response, output: &mut impl Write) -> io::Result<()> {
        let message = match self {
            Self::Json => {
                let mut line = serde_json::to_vec(response)?;
                line.push(b'\n');
                line
            }
            Self::Proto => response.encode_length_delimited_to_vec(),
        };
        output.write_all(&message)?;
        output.flush()
    }
}

fn from_json(object: &[u8]) -> Incoming {
    match serde_json::from_slice(object) {
        Ok(request) => Incoming::Request(request),
        Err(error) => {
            let is_object = serde_json::from_slice::<serde_json::Value>(object).is_ok();
            // Where the rest is sound, an id that is not there is 0.
            let id = frame::request_id(object).or(is_object.then_some(0));
            Incoming::Malformed(id, error.to_string())
        }
    }
}

fn read_proto(input: &mut impl BufRead) -> Result<Option<Incoming>> {
    // More than any action has, and less than memory.
    const LARGEST: u64 = 1 << 30;
    let Some(length) = read_length(input)? else { return Ok(None) };
    if length > LARGEST {
        bail!("a request of {length} bytes can only be a mistake: is this the protobuf protocol?");
    }
    let mut message = Vec::new();
    let read = io::copy(&mut io::Read::take(input, length), &mut message).context("cannot read a request")?;
    if read < length {
        bail!("the input ends in the middle of a request");
    }
    Ok(Some(match Request::decode(message.as_slice()) {
        Ok(request) => Incoming::Request(request),
        Err(error) => Incoming::Malformed(None, error.to_string()),
    }))
}

/// A length as protobuf writes it; `None` at the end of the input.
fn read_length(input: &mut impl BufRead) -> Result<Option<u64>> {
    let mut length = 0u64;
    for shift in (0..u64::BITS).step_by(7) {
        let mut byte = [0];
        match input.read_exact(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && shift == 0 => return Ok(None),
            read => read.context("cannot read the length of a request")?,
        }
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(length));
        }
    }
    bail!("a request begins with a length that is none: is this the protobuf protocol?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(protocol: Protocol, mut input: &[u8]) -> Vec<Incoming> {
        std::iter::from_fn(|| protocol.read(&mut input).unwrap()).collect()
    }

    fn request(argument: &str, request_id: i32) -> Request {
        Request { arguments: vec![argument.into()], request_id, ..Request::default() }
    }

    #[test]
    fn json_needs_no_line_ends_and_takes_any() {
        let stream = "{\"arguments\":[\"a\"],\"requestId\":1}{\"arguments\":[\"}{\\\"\"],\"requestId\":2}\r\n\n  {\"unknown\":{\"x\":[{}]}}\n{\"requestId\":1,\"cancel\":true,\"sandboxDir\":\"s\"}";
        let cancel = Request { request_id: 1, cancel: true, sandbox_dir: "s".into(), ..Request::default() };
        let expected = [request("a", 1), request("}{\"", 2), Request::default(), cancel].map(Incoming::Request);
        assert_eq!(all(Protocol::Json, stream.as_bytes()), expected);
    }

    #[test]
    fn what_is_no_request_keeps_its_id_and_the_next_one_is_read() {
        let read = all(
            Protocol::Json,
            b"{\"requestId\" : 7, \"arguments\": nonsense}\nbefore {\"arguments\":5}{\"broken\":\"}\n{\"requestId\":9,}\n{\"requestId\":3}{\"cut off",
        );
        let ids: Vec<_> = read
            .iter()
            .map(|incoming| match incoming {
                Incoming::Request(request) => Ok(request.request_id),
                Incoming::Malformed(id, _) => Err(*id),
            })
            .collect();
        assert_eq!(ids, [Err(Some(7)), Err(Some(0)), Err(None), Err(Some(9)), Ok(3)]);
    }

    #[test]
    fn a_request_may_be_large_and_over_several_lines() {
        let long = "x".repeat(1 << 20);
        let pretty = format!("{{\n  \"arguments\": [\n    \"{long}\"\n  ],\n  \"requestId\": 4\n}}\n");
        assert_eq!(all(Protocol::Json, pretty.as_bytes()), [Incoming::Request(request(&long, 4))]);
    }

    #[test]
    fn protobuf_is_a_length_and_a_message() {
        let input = Input { path: "p".into(), digest: vec![0, 255] };
        let first = Request { inputs: vec![input], verbosity: 10, ..request("a", 1) };
        let stream = [first.encode_length_delimited_to_vec(), vec![0], request("b", 2).encode_length_delimited_to_vec()].concat();
        let expected = [first, Request::default(), request("b", 2)].map(Incoming::Request);
        assert_eq!(all(Protocol::Proto, &stream), expected);
        for broken in [&b"\x05abc"[..], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0x7f]] {
            assert!(Protocol::Proto.read(&mut &*broken).is_err());
        }
        let malformed = Protocol::Proto.read(&mut &b"\x01\xff\x00"[..]).unwrap();
        assert!(matches!(malformed, Some(Incoming::Malformed(None, _))), "{malformed:?}");
    }

    #[test]
    fn the_two_are_told_apart() {
        let detect = |mut input: &[u8]| Protocol::detect(&mut input).unwrap();
        assert_eq!(detect(b""), None);
        assert_eq!(detect(b"{\"arguments\":[]}"), Some(Protocol::Json));
        assert_eq!(detect(b"{}"), Some(Protocol::Json));
        // Every length that a request can have, that of `{` included.
        for length in 1..300 {
            let proto = request(&"x".repeat(length), 1).encode_length_delimited_to_vec();
            assert_eq!(detect(&proto), Some(Protocol::Proto), "{length}");
        }
    }

    #[test]
    fn an_answer_is_one_line_or_one_message() {
        let response = Response { exit_code: 1, output: "a\n\u{1b}\0".into(), request_id: 3, was_cancelled: false };
        let mut json = Vec::new();
        Protocol::Json.write(&response, &mut json).unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "{\"exitCode\":1,\"output\":\"a\\n\\u001b\\u0000\",\"requestId\":3,\"wasCancelled\":false}\n"
        );
        let mut proto = Vec::new();
        Protocol::Proto.write(&response, &mut proto).unwrap();
        assert_eq!(Response::decode_length_delimited(proto.as_slice()).unwrap(), response);
    }
}
