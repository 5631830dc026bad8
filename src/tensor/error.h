#pragma once

#include <stdexcept>
#include <string>

namespace cambium {

/// Base of everything the library throws for bad files and bad input. The message is one or a few plain sentences that
/// name the file, the tensor / line / field, what was found, what was expected, and what to do. Broken invariants of
/// our own are assertions.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line or an option makes no sense (exit code 2); every other Error is exit code 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A checkpoint, config, tokenizer or other model file is damaged, incomplete or of an unknown kind.
class CheckpointError : public Error {
 public:
  using Error::Error;
};

/// Two shapes or sizes that must agree do not.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A value that may not be used: NaN or infinity, a parameter out of range.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// A recipe, config, task or study file (YAML or JSON written by a person) is wrong; the message gives the line where
/// it can.
class RecipeError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused: cannot open, disk full, not permitted. The message holds the path and the system's
/// words.
class SystemError : public Error {
 public:
  using Error::Error;
};

/// The user asked to stop (Ctrl-C); what was done so far is on disk and can be resumed. Exit code 130.
class Interrupted : public Error {
 public:
  using Error::Error;
};

}  // namespace cambium
