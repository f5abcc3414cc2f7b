//! A line as a tree that may be changed into anything, JSON or not, and written again.

use serde_json::value::RawValue;

use crate::json::members;
use crate::random::Random;

#[derive(Debug, Clone)]
pub enum Node {
    /// Keys with their quotes.
    Object(Vec<(Vec<u8>, Node)>),
    Array(Vec<Node>),
    /// Written as it is.
    Raw(Vec<u8>),
}

/// White space, and what is none.
const GAPS: [&[u8]; 10] = [
    b" ",
    b"\t",
    b"\r",
    b"  ",
    b" \t \r ",
    b"\x0b",
    b"\xa0",
    b"\0",
    b"\xef\xbb\xbf",
    b"/**/",
];
/// So many of them are white space.
const WHITE: usize = 5;

impl Node {
    /// The tree of a text; what is no JSON is one raw node.
    pub fn parse(text: &[u8]) -> Self {
        match text.trim_ascii_start().first() {
            Some(b'{') => Self::object(text),
            Some(b'[') => serde_json::from_slice::<Vec<&RawValue>>(text)
                .ok()
                .map(|elements| {
                    let nodes = elements.iter().map(|raw| Self::parse(raw.get().as_bytes()));
                    Self::Array(nodes.collect())
                }),
            _ => None,
        }
        .unwrap_or_else(|| Self::Raw(text.to_vec()))
    }

    fn object(text: &[u8]) -> Option<Self> {
        let (found, is_whole) = members(text);
        let pairs = found.iter().filter_map(|member| {
            let key = serde_json::to_vec(&String::from_utf8_lossy(&member.key)).ok()?;
            Some((key, Self::parse(member.value?)))
        });
        is_whole.then(|| Self::Object(pairs.collect()))
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        1 + match self {
            Self::Object(members) => members.iter().map(|(_, node)| node.count()).sum(),
            Self::Array(nodes) => nodes.iter().map(Self::count).sum(),
            Self::Raw(_) => 0,
        }
    }

    /// The node that comes after `left` others; the root comes after none.
    pub fn after(&mut self, left: &mut usize) -> Option<&mut Self> {
        if *left == 0 {
            return Some(self);
        }
        *left -= 1;
        match self {
            Self::Object(members) => members.iter_mut().find_map(|(_, node)| node.after(left)),
            Self::Array(nodes) => nodes.iter_mut().find_map(|node| node.after(left)),
            Self::Raw(_) => None,
        }
    }

    /// Writes the tree; one in `gap` places gets white space or what looks like it, none where it is 0.
    pub fn write(&self, random: &mut Random, gap: usize, out: &mut Vec<u8>) {
        space(random, gap, out);
        match self {
            Self::Object(members) => {
                out.push(b'{');
                for (index, (key, node)) in members.iter().enumerate() {
                    out.extend((index > 0).then_some(b','));
                    space(random, gap, out);
                    out.extend(key);
                    space(random, gap, out);
                    out.push(b':');
                    node.write(random, gap, out);
                }
                out.push(b'}');
            }
            Self::Array(nodes) => {
                out.push(b'[');
                for (index, node) in nodes.iter().enumerate() {
                    out.extend((index > 0).then_some(b','));
                    node.write(random, gap, out);
                }
                out.push(b']');
            }
            Self::Raw(raw) => out.extend(raw),
        }
        space(random, gap, out);
    }
}

fn space(random: &mut Random, gap: usize, out: &mut Vec<u8>) {
    if gap > 0 && random.one_in(gap) {
        let of = if random.one_in(8) { GAPS.len() } else { WHITE };
        out.extend(random.pick(&GAPS[..of]));
    }
}
