//! The pointers that are bound in a payload, as a tree that is walked beside the text: one pass, nothing built.

use super::Refusal;
use super::scan::{Broken, Scan, Token};

/// Where in the caller's list of tokens a pointer's value is put.
pub(crate) type Slot = usize;

/// JSON pointers (RFC 6901) as a tree. Equal pointers share a slot.
#[derive(Debug)]
pub(crate) struct Shape {
    nodes: Vec<Node>,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// Sorted by key.
    children: Vec<(Key, usize)>,
    slot: Option<Slot>,
}

/// A key, with its length and first eight bytes in one word each: nearly every comparison ends there.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    head: u64,
    text: Box<str>,
}

/// Whether a bound key was met twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    Sound,
    Repeated,
}

impl Shape {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()], slots: 0 }
    }

    /// How many tokens a walk fills.
    pub(crate) const fn slots(&self) -> usize {
        self.slots
    }

    /// Adds a pointer; `""` is the whole. A pointer without its leading `/` is taken as if it had one.
    pub(crate) fn slot(&mut self, pointer: &str) -> Slot {
        let mut here = 0;
        let path = pointer.strip_prefix('/').unwrap_or(pointer);
        let steps = if pointer.is_empty() { None } else { Some(path.split('/')) };
        for step in steps.into_iter().flatten() {
            let step = step.replace("~1", "/").replace("~0", "~");
            here = match self.nodes[here].place(&step) {
                Ok(found) => self.nodes[here].children[found].1,
                Err(place) => {
                    let fresh = self.nodes.len();
                    self.nodes.push(Node::default());
                    let key = Key { head: head(&step), text: step.into() };
                    self.nodes[here].children.insert(place, (key, fresh));
                    fresh
                }
            };
        }
        let next = self.slots;
        let slot = *self.nodes[here].slot.get_or_insert(next);
        if slot == next {
            self.slots += 1;
        }
        slot
    }

    /// Whether some pointer begins with a number: then a top-level array is walked by index, else each of its elements
    /// is a payload of its own.
    pub(crate) fn is_indexed(&self) -> bool {
        self.nodes[0].children.iter().any(|(key, _)| key.text.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Walks the value that `token` began and puts what is bound into `found`, which is as long as `slots`.
    pub(crate) fn walk<'a>(
        &self,
        scan: &mut Scan<'a>,
        token: Token<'a>,
        found: &mut [Token<'a>],
    ) -> Result<Walked, Broken> {
        self.descend(scan, token, 0, found)
    }

    fn descend<'a>(
        &self,
        scan: &mut Scan<'a>,
        token: Token<'a>,
        node: usize,
        found: &mut [Token<'a>],
    ) -> Result<Walked, Broken> {
        let node = &self.nodes[node];
        let mut walked = Walked::Sound;
        let mut first = true;
        match token {
            Token::Object if !node.children.is_empty() => {
                while let Some(key) = scan.key(&mut first)? {
                    let member = scan.value()?;
                    let step = node.child(&key);
                    if self.follow(scan, member, step, found)? == Walked::Repeated {
                        walked = Walked::Repeated;
                    }
                }
            }
            Token::Array if !node.children.is_empty() => {
                let mut index = 0_usize;
                while scan.element(&mut first)? {
                    let member = scan.value()?;
                    let step = node.child(&index.to_string());
                    if self.follow(scan, member, step, found)? == Walked::Repeated {
                        walked = Walked::Repeated;
                    }
                    index += 1;
                }
            }
            Token::Object | Token::Array => scan.skip(&token)?,
            Token::Absent | Token::Null | Token::Bool | Token::Number(_) | Token::Text(_) => {}
        }
        if let Some(slot) = node.slot {
            if found[slot] != Token::Absent {
                walked = Walked::Repeated;
            }
            found[slot] = token;
        }
        Ok(walked)
    }

    fn follow<'a>(
        &self,
        scan: &mut Scan<'a>,
        member: Token<'a>,
        step: Option<usize>,
        found: &mut [Token<'a>],
    ) -> Result<Walked, Broken> {
        match step {
            Some(child) => self.descend(scan, member, child, found),
            None => scan.skip(&member).map(|()| Walked::Sound),
        }
    }
}

/// The first eight bytes as a number that sorts as they do.
#[inline]
fn head(key: &str) -> u64 {
    match key.as_bytes().first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => key.bytes().fold(0, |head, byte| head << 8 | u64::from(byte)) << (64 - 8 * key.len()).min(63),
    }
}

impl Node {
    /// Children up to which trying each is faster than halving.
    const FEW: usize = 8;

    fn place(&self, key: &str) -> Result<usize, usize> {
        let head = head(key);
        self.children.binary_search_by(|(known, _)| known.head.cmp(&head).then_with(|| (*known.text).cmp(key)))
    }

    #[inline]
    fn child(&self, key: &str) -> Option<usize> {
        if self.children.len() > Self::FEW {
            return self.place(key).ok().map(|place| self.children[place].1);
        }
        let head = head(key);
        let same = |known: &Key| {
            known.head == head && known.text.len() == key.len() && (key.len() <= 8 || *known.text == *key)
        };
        self.children.iter().find(|(known, _)| same(known)).map(|(_, node)| *node)
    }
}

/// Reads every object of a payload: the payload itself, or each element where it is an array (of arrays, …).
/// `each` gets the tokens found and where the object began.
pub(crate) fn objects<'a>(
    shape: &Shape,
    text: &'a str,
    mut each: impl FnMut(&[Token<'a>], usize) -> Result<(), Broken>,
) -> Result<(), Broken> {
    const ON_STACK: usize = 8;
    let mut few: [Token<'a>; ON_STACK] = Default::default();
    let mut many = Vec::new();
    let found = if shape.slots() <= ON_STACK {
        &mut few[..shape.slots()]
    } else {
        many.resize(shape.slots(), Token::Absent);
        &mut many[..]
    };
    let mut scan = Scan::new(text);
    let indexed = shape.is_indexed();
    // One flag for each array that is open: whether its first element is still to come.
    let mut open: Vec<bool> = Vec::new();
    loop {
        let token = scan.value()?;
        if token == Token::Array && !indexed {
            open.push(true);
        } else {
            let at = scan.at();
            found.fill(Token::Absent);
            let walked = shape.walk(&mut scan, token, found)?;
            if walked == Walked::Repeated {
                return Err(Broken { why: Refusal::RepeatedKey, at });
            }
            each(found, at)?;
        }
        loop {
            let Some(first) = open.last_mut() else { return scan.end() };
            if scan.element(first)? {
                break;
            }
            open.pop();
        }
    }
}
