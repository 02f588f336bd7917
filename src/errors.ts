/**
 * Every failure that extupdate reports, by what the caller can do about it.
 *
 * A message says what happened, where (file:line, URL, component), what was expected and what was found, in one line;
 * `next` says what to do about it. Printed once, where the command line is run (`cli/cli.ts`; `main.ts` for what is before it).
 */

import { didYouMean } from './near-names.ts';

/** Exit statuses; the table in README.md says the same. */
export const exitStatus = {
  done: 0,
  unexpected: 1,
  usage: 2,
  config: 3,
  network: 10,
  trust: 11,
  policy: 12,
  unsuitable: 13,
  storage: 14,
  mixed: 15,
  activation: 16,
  blocked: 17,
  busy: 75,
  updateAvailable: 100,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** Signals that end a run cleanly, with the status a shell gives them. */
export const signalStatus = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export interface ErrorDetails {
  /** The next step for the person who reads the message. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** A text as everybody may read it: without user and password of the URLs in it. */
export function withoutSecrets(text: string): string {
  return text.replace(/:\/\/[^/\s"']*@/g, '://***@');
}

/** The base of all failures that are expected to happen; `exit` is the documented exit status. */
export abstract class ExtupdateError extends Error {
  abstract readonly code: string;
  abstract readonly exit: ExitStatus;
  readonly next: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(withoutSecrets(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.next = details.next;
  }
}

/** The command line is wrong: call again with the right words. */
export class UsageError extends ExtupdateError {
  readonly code = 'usage';
  readonly exit = exitStatus.usage;
}

/** A component that nothing here has a definition of. */
export class UnknownComponentError extends UsageError {
  readonly component: string;

  /** @param known the names that there are */
  constructor(component: string, known: readonly string[]) {
    super(`${component}: no such component${didYouMean(component, known)}`, {
      next:
        known.length > 0
          ? `known: ${[...known].sort().join(', ')}`
          : 'there are no definitions: "extupdate add NAME URL" makes one',
    });
    this.component = component;
  }
}

/** A definition, configuration file or keyring has to be mended. */
export class ConfigError extends ExtupdateError {
  readonly code = 'config';
  readonly exit = exitStatus.config;
}

/** The network or the server failed; a later run may succeed. */
export class NetworkError extends ExtupdateError {
  readonly code = 'network';
  readonly exit = exitStatus.network;
}

/** Signature, hash or manifest are not what they claim to be. Never retried, never a mere warning. */
export class TrustError extends ExtupdateError {
  readonly code = 'trust';
  readonly exit = exitStatus.trust;
}

/** Nobody has signed whom this host knows: only a person can say that the server is trusted alone. */
export class UnsignedError extends TrustError {}

/** The data is genuine, and a rule forbids to take it: stale, replayed, over a size cap, plain HTTP. */
export class PolicyError extends ExtupdateError {
  readonly code = 'policy';
  readonly exit = exitStatus.policy;
}

/** The content cannot be used on this host: not an image, no release file, wrong name, nothing that fits. */
export class UnsuitableError extends ExtupdateError {
  readonly code = 'unsuitable';
  readonly exit = exitStatus.unsuitable;
}

/** Local storage failed: no space, read-only, permissions, I/O errors. */
export class StorageError extends ExtupdateError {
  readonly code = 'storage';
  readonly exit = exitStatus.storage;
}

/** The new set could not be activated; the previous one is back. */
export class ActivationError extends ExtupdateError {
  readonly code = 'activation';
  readonly exit = exitStatus.activation;
}

/** There is no version for the OS, or the component, that was asked about. */
export class BlockedError extends ExtupdateError {
  readonly code = 'blocked';
  readonly exit = exitStatus.blocked;
}

/** Another run holds the lock. */
export class BusyError extends ExtupdateError {
  readonly code = 'busy';
  readonly exit = exitStatus.busy;
}

/** What of an error is told to people and programs. */
export interface ErrorReport {
  readonly code: string;
  readonly exit: number;
  readonly message: string;
  readonly next?: string;
}

/** Turns anything that was thrown into a report; unknown errors are our own defects (`unexpected`, status 1). */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof ExtupdateError) {
    return {
      code: error.code,
      exit: error.exit,
      message: error.message,
      ...(error.next === undefined ? {} : { next: error.next }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'unexpected',
    exit: exitStatus.unexpected,
    message: `unexpected: ${message}`,
    next: 'run again with --debug and report what it prints',
  };
}

/** The exit status of a run in which several components failed: their common status, or 15; a block counts before all. */
export function combinedExit(failures: readonly number[], succeeded: number): number {
  const [first] = failures;
  if (first === undefined) return exitStatus.done;
  if (failures.includes(exitStatus.blocked)) return exitStatus.blocked;
  return succeeded === 0 && failures.every((exit) => exit === first) ? first : exitStatus.mixed;
}
