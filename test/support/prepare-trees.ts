/** Builds the trees of the test hosts, so that tests need not wait for it; prints the path of the newer one last. */
import { prepareTree } from './systemd-host.ts';

for (const suite of ['trixie', 'forky'] as const) console.log(await prepareTree(suite));
