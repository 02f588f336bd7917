import { expect, it } from 'vitest';
import { didYouMean, nearNames } from '../../src/near-names.ts';

const names = ['docker', 'docker-compose', 'docker-buildx', 'git', 'git-lfs', 'k3s', 'rke2', 'kubernetes'];

it.each([
  ['dokcer', ['docker']],
  ['Docker', ['docker', 'docker-buildx', 'docker-compose']],
  ['compose', ['docker-compose']],
  ['gti', ['git']],
  ['k3', ['k3s']],
  ['kubernets', ['kubernetes']],
  ['cuburnetes', ['kubernetes']],
  ['podman', []],
  ['', []],
  ['x'.repeat(1000), []],
])('%s', (word, near) => {
  expect(nearNames(word, names)).toEqual(near);
});

it('says so, or nothing', () => {
  expect(didYouMean('gti', names)).toBe('; did you mean git?');
  expect(didYouMean('podman', names)).toBe('');
});
