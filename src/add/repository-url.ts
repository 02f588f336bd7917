/** The URL of a repository out of what people copy from somewhere. Pure. */
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.ts';
import { displayUrl } from '../fetch/url.ts';

/** Files that stand in a repository: who names one of them means the directory. */
const FILE_IN_REPOSITORY = /^(SHA256SUMS(\..*)?|index\.html?|.*\.(raw|conf|transfer|feature)(\.[a-z0-9]+)?)$/i;

/**
 * The directory of a repository, without a slash at its end.
 * @throws UsageError
 */
export function repositoryUrl(text: string): string {
  const given = text.trim();
  if (given.startsWith('/')) {
    throw new UsageError(`${given}: expected a URL`, { next: `a directory of this machine is file://${given}` });
  }
  const isWeb = /^(https?:\/\/[^/]|file:\/\/\/)/i.test(given) && URL.canParse(given);
  if (!isWeb) {
    const next = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?(\/|$)/i.test(given) ? `https://${given}?` : 'https://HOST/PATH/';
    throw new UsageError(`${given}: not a URL of the web`, {
      next: next.endsWith('?') ? `did you mean ${next}` : next,
    });
  }
  const url = new URL(given);
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(`${displayUrl(given)}: a definition can be read by everybody, and would hold the password`, {
      next: 'leave it out here, and name it with Credential= in extupdate.conf',
    });
  }
  if (url.search !== '') {
    throw new UsageError(
      `${displayUrl(given)}: a query (${url.search.slice(0, 20)}) cannot be a part of a repository's URL`,
      {
        next: 'names of files are appended to the URL',
      },
    );
  }
  const path = url.pathname.replace(/\/{2,}/g, '/').split('/');
  if (FILE_IN_REPOSITORY.test(path.at(-1) ?? '')) path.pop();
  const repository = `${url.protocol}//${url.host}${path.join('/')}`.replace(/\/+$/, '');
  if (url.protocol === 'file:' && !isDirectoryUrl(repository)) {
    throw new UsageError(`${given}: not the path of a directory`, {
      next: 'expected file:///DIRECTORY, with %25 for a "%" in its name',
    });
  }
  return repository;
}

/** Whether a file URL is a path, and of more than the root: names cannot be appended to nothing. */
function isDirectoryUrl(url: string): boolean {
  try {
    const path = fileURLToPath(url);
    return path !== '/' && !path.includes('\0');
  } catch {
    return false;
  }
}

/** The last directory of a URL, which is often the name of what is in it; '' where there is none. */
export function lastDirectory(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname.replace(/\/+$/, '') : '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** The directory above; undefined at the top of a host. */
export function parentUrl(url: string): string | undefined {
  return lastDirectory(url) === '' ? undefined : url.replace(/\/+$/, '').replace(/\/[^/]*$/, '');
}
