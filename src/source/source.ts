/**
 * What a source has to provide. A further one (an OCI registry, say) is a module beside `repository-source.ts` and
 * `local-source.ts`, and a line in `sources.ts`; its name in `Type=` goes into `source-types.ts`. Nothing outside of
 * this folder asks which source an instance came from.
 */
import { StorageError } from '../errors.ts';
import type { MakeRoom } from '../os/space.ts';
import type { Component, ImageFacts, OfferedInstance, PayloadForm, Transfer } from '../types.ts';

/** An instance as it lies ready to be installed. */
export interface Payload {
  readonly form: PayloadForm;
  /** Outside the root: a file, for the form `tree` a directory. */
  readonly path: string;
  /** What its bytes have to hash to, lower-case hex; undefined where nobody has promised anything. */
  readonly sha256?: string | undefined;
  /** Whether it is a copy of ours, which may be moved and is removed once it is installed. */
  readonly staged: boolean;
}

export interface Source {
  /** Whether it is ordinary that it offers nothing: a directory into which somebody may put a version some day. */
  readonly mayBeEmpty: boolean;
  /**
   * The versions of a transfer, in no order, one instance each. What is returned has been authenticated, as far as the
   * source and the definition provide for that.
   * @param component the one that the transfer is of: its keys and settings count
   * @param notice told what is odd and changes nothing
   * @throws NetworkError, TrustError, PolicyError, ConfigError, StorageError
   */
  list(
    transfer: Transfer,
    component: Pick<Component, 'name' | 'settings'>,
    notice: (text: string) => void,
  ): Promise<OfferedInstance[]>;
  /**
   * What can be known of an image without acquiring it. It only rules out and ranks.
   * @returns undefined when nothing can be known
   * @throws NetworkError
   */
  learn(instance: OfferedInstance): Promise<ImageFacts | undefined>;
  /**
   * Brings the payload to this machine, whole and with its hash checked; does nothing where it is at hand.
   * @param makeRoom called when space is short
   * @returns whether something was brought
   * @throws NetworkError, TrustError, PolicyError, StorageError
   */
  acquire(instance: OfferedInstance, makeRoom: MakeRoom | undefined): Promise<boolean>;
  /** Where the payload is; undefined while it has to be acquired. */
  payload(instance: OfferedInstance): Payload | undefined;
  /** Whether an interrupted run has left a part of it. */
  isPartial(instance: OfferedInstance): boolean;
}

/** The payload of an instance that was acquired. @throws StorageError when it went away since */
export function payloadOf(source: Source, instance: OfferedInstance): Payload {
  const payload = source.payload(instance);
  if (payload) return payload;
  throw new StorageError(`${instance.name}: is not there any more`, { next: 'run extupdate apply again' });
}
