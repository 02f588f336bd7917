/** URLs: what may be shown, what may be followed, and how names become parts of them. */
import { NetworkError, PolicyError } from '../errors.ts';

/** The URL without user, password and query, for messages and logs. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

/** The URL without user and password, else as it is written. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#\\]*@/i, '$1');
}

/** The URL of a name in a manifest: percent-encoded by path segment, never decoded. */
export function urlOf(base: string, name: string): string {
  return `${base.replace(/\/+$/, '')}/${name.split('/').map(encodeURIComponent).join('/')}`;
}

const TELL_PUBLISHER = 'a later run tries again; if it stays, tell the publisher';

/**
 * Where a redirect leads.
 * @throws PolicyError when it leaves the web, or leads from https to http without permission
 */
export function redirectTarget(from: string, location: string, allowHttp: boolean): string {
  if (!URL.canParse(location, from)) {
    throw new NetworkError(`${displayUrl(from)}: redirected to what is not a URL`, { next: TELL_PUBLISHER });
  }
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw new PolicyError(`${displayUrl(from)}: redirected to a ${target.protocol} URL, refusing`, {
      next: TELL_PUBLISHER,
    });
  }
  if (new URL(from).protocol === 'https:' && target.protocol === 'http:' && !allowHttp) {
    throw new PolicyError(`${displayUrl(from)}: redirected from https to ${displayUrl(target.href)}, refusing`, {
      next: 'ask the publisher to serve https; AllowHTTP=yes in extupdate.conf accepts it',
    });
  }
  return target.href;
}

/** Whether two URLs have the same scheme, host and port, so that credentials may go along. */
export function sameOrigin(a: string, b: string): boolean {
  return new URL(a).origin === new URL(b).origin;
}
