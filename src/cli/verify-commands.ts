/** `verify` and `verify --installed`: what signatures and installed files are worth, as a document. */
import type { ErrorReport } from '../errors.ts';
import type { RunOptions } from '../system.ts';
import type { FileVerdict } from '../verify-installed.ts';
import type { SourceVerdict } from '../verify-sources.ts';
import { type Found, type Outcome, requireManaged, withSystem } from './outcome.ts';

/** A source in the JSON document. */
export interface SourceDocument {
  readonly component: string;
  readonly source: string;
  readonly trust: SourceVerdict['trust'];
  /** Whether a run would take its list now. */
  readonly accepted: boolean;
  readonly threshold: number;
  readonly signedBy: readonly string[];
  readonly signatureName: string | null;
  readonly keys: readonly {
    readonly fingerprint: string;
    readonly userIds: readonly string[];
    readonly files: readonly string[];
    readonly expires: string | null;
    readonly accepted: boolean;
    readonly reason: { readonly code: string; readonly text: string };
  }[];
  readonly signatures: readonly {
    readonly keyId: string;
    /** Of the primary key, where the key is known. */
    readonly fingerprint: string | null;
    readonly created: string | null;
    readonly accepted: boolean;
    readonly reason: { readonly code: string; readonly text: string };
  }[];
}

/** Says for each source which keys count, and of its signatures why they count or do not. */
export function verifySourcesCommand(run: RunOptions): Promise<Outcome> {
  return withSystem(run, async (system) => {
    requireManaged(system);
    const { verifySources } = await import('../verify-sources.ts');
    const verdicts = await verifySources(system);
    return found(verdicts, { sources: verdicts.map(sourceDocument) });
  });
}

/** Reads what is installed, and says what is damaged. */
export function verifyInstalledCommand(run: RunOptions): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    requireManaged(system);
    const { verifyInstalled } = await import('../verify-installed.ts');
    const verdicts = await verifyInstalled(system);
    const files: FileVerdict[] = verdicts.flatMap((verdict) => [...verdict.files]);
    return found(verdicts, { files });
  });
}

function found(
  verdicts: readonly { readonly component: string; readonly failure?: ErrorReport }[],
  extra: Pick<Found, 'sources' | 'files'>,
): Found {
  const errors = verdicts.flatMap(({ component, failure }) => (failure ? [{ component, ...failure }] : []));
  return { resolutions: [], errors, ...extra };
}

function sourceDocument(verdict: SourceVerdict): SourceDocument {
  const { component, source, trust, threshold, signedBy, signatureName, keys, signatures, failure } = verdict;
  return {
    component,
    source,
    trust,
    accepted: failure === undefined,
    threshold,
    signedBy,
    signatureName: signatureName ?? null,
    keys: keys.map(({ fingerprint, userIds, files, expires, accepted, code, text }) => ({
      fingerprint,
      userIds,
      files,
      expires: expires?.toISOString() ?? null,
      accepted,
      reason: { code, text },
    })),
    signatures: signatures.map((signature) => ({
      keyId: signature.keyId,
      fingerprint: signature.fingerprint ?? null,
      created: signature.created?.toISOString() ?? null,
      accepted: signature.accepted,
      reason: signature.accepted ? { code: 'accepted', text: 'good' } : { code: signature.code, text: signature.text },
    })),
  };
}
