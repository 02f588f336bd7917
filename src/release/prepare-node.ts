/** Fetches and prepares the Node of images for this machine; prints its path. */
import { join, resolve } from 'node:path';
import { prepareNode } from './node-binary.ts';

const { directory } = prepareNode(process.arch === 'arm64' ? 'arm64' : 'x86-64');
console.log(resolve(join(directory, 'bin/node')));
