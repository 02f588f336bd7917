/** Builds the trees of the test hosts, so that tests need not wait for it; prints the path of the newer one last. */
import { prepareTree } from './systemd-host.ts';

const suites = ['trixie', 'forky'] as const;
for (const tree of await Promise.all(suites.map(prepareTree))) console.log(tree);
