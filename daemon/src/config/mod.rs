//! From text to [`Settings`](settings::Settings).

pub mod settings;
