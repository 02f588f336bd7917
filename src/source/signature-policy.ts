/** What a signature over the list of a source has to be, by the definition and `extupdate.conf`. Pure. */
import type { Config } from '../definition/config.ts';
import type { ExtensionSettings } from '../types.ts';
import type { SignaturePolicy } from '../verify/signature.ts';

/** The definition has the last word. */
export function signaturePolicy(settings: ExtensionSettings, config: Config, now: Date): SignaturePolicy {
  return {
    now,
    allowExpiredKey: settings.allowExpiredKey ?? config.allowExpiredKey,
    maxAgeSec: settings.maxManifestAgeSec ?? config.maxManifestAgeSec,
    signedBy: settings.signedBy,
    threshold: settings.threshold,
  };
}
