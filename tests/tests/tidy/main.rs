//! Tidy: the rules of STYLE and DESIGN that a machine can check, checked on the source itself. Every check here is
//! tried on a bad snippet too: a check that cannot fail is a defect.

mod fences;
mod licences;
mod shape;
mod source;
