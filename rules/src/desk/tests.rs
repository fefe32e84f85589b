//! Stories about a Desk, and what must hold in every story.

mod lives;
