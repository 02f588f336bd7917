/**
 * What stands behind `extupdate verify`: for each source which keys would be accepted, what is wrong with the others,
 * and of the signature that is there now why it counts, or does not. Nothing is changed.
 */
import { overrideBaseUrl } from './definition/config.ts';
import { isTurnedOff } from './definition/features.ts';
import { type ErrorReport, reportOf } from './errors.ts';
import { displayUrl } from './fetch/url.ts';
import { signaturePolicy } from './source/signature-policy.ts';
import { sourceTraits } from './source/source-types.ts';
import type { System } from './system.ts';
import type { Component, Transfer } from './types.ts';
import { judgeKey, type KeyVerdict } from './verify/judge-key.ts';
import type { SignatureVerdict } from './verify/judge-signature.ts';
import { judgeSignatures, type SignaturePolicy } from './verify/signature.ts';
import { usableKeys } from './verify/trusted-keys.ts';

export interface SourceVerdict {
  readonly component: string;
  /** URL, or directory of a local source. */
  readonly source: string;
  /** How it is trusted: by a signature, as the server gives it (`Verify=no`), or as the directory is. */
  readonly trust: 'signature' | 'server' | 'local';
  readonly threshold: number;
  readonly signedBy: readonly string[];
  readonly keys: readonly KeyVerdict[];
  /** Which file the signature was in. */
  readonly signatureName?: string;
  readonly signatures: readonly SignatureVerdict[];
  /** Why the list as a whole is refused; undefined when a run would take it. */
  readonly failure?: ErrorReport;
}

/** Judges the sources of all selected components, each of a component once. */
export async function verifySources(system: System): Promise<SourceVerdict[]> {
  const verdicts: SourceVerdict[] = [];
  for (const component of system.definitions.components) {
    if (isTurnedOff(component)) continue;
    const bySource = new Map(component.transfers.map((transfer) => [keyOf(transfer), transfer]));
    for (const transfer of bySource.values()) verdicts.push(await verifySource(system, component, transfer));
  }
  return verdicts;
}

function keyOf({ source, verify }: Transfer): string {
  return `${source.type} ${source.path} ${verify}`;
}

async function verifySource(system: System, component: Component, transfer: Transfer): Promise<SourceVerdict> {
  const { options, config, now } = system;
  const { settings, name } = component;
  const { threshold, signedBy } = settings;
  const isUrl = sourceTraits[transfer.source.type].at === 'url';
  const baseUrl = isUrl ? overrideBaseUrl(transfer.source.path, config) : transfer.source.path;
  const isSigned = isUrl && (options.verify ?? transfer.verify);
  const trust = isSigned ? 'signature' : isUrl ? 'server' : 'local';
  const source = isUrl ? displayUrl(baseUrl) : baseUrl;
  const verdict: SourceVerdict = { component: name, source, trust, threshold, signedBy, keys: [], signatures: [] };
  const policy = signaturePolicy(settings, config, now);
  const detail = isSigned ? await lookAtSignature(system, component, baseUrl, policy) : {};
  const failure = await listFailure(system, component, transfer);
  return { ...verdict, ...detail, ...(failure ? { failure } : {}) };
}

/** What there is to say of keys and signatures, as far as one gets; what ends the way is told by the source itself. */
async function lookAtSignature(
  system: System,
  component: Component,
  baseUrl: string,
  policy: SignaturePolicy,
): Promise<Partial<Pick<SourceVerdict, 'keys' | 'signatures' | 'signatureName'>>> {
  const known = await unlessExpected(system.keys.of(component));
  if (!known) return {};
  const keys = await Promise.all(known.map((key) => judgeKey(key, policy)));
  const saved = await unlessExpected(system.repository.signedList(baseUrl));
  if (!saved?.signature || !saved.meta.signature) return { keys };
  const signatureName = saved.meta.signature.name;
  const judging = judgeSignatures(saved.manifest, saved.signature, usableKeys(known), policy, signatureName);
  const signatures = await unlessExpected(judging);
  return { keys, signatureName, signatures: signatures ?? [] };
}

/** @returns undefined for the failures that a source tells better */
async function unlessExpected<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (reportOf(error).code === 'unexpected') throw error;
    return undefined;
  }
}

/** What a run would say: the list is verified, parsed and judged by the source as always. */
async function listFailure(
  { options, sources }: System,
  component: Component,
  transfer: Transfer,
): Promise<ErrorReport | undefined> {
  try {
    const notice = (text: string) => options.reporter.notice(component.name, text);
    await sources.of(transfer).list(transfer, component, notice);
    return undefined;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return reportOf(error);
  }
}
