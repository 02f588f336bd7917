export async function unpackTar(_: {
  path: string;
  sha256?: string | undefined;
  to: string;
  name: string;
  maxBytes: number;
}): Promise<void> {
  throw new Error('not here yet');
}
