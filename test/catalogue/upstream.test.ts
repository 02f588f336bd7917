/** The fault catalogue, U: what the publisher does (reliability.md section 2). */
import { afterEach, beforeEach, describe, it } from 'vitest';
import { makeScene, type Scene } from '../support/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await makeScene();
});
afterEach(() => scene.close());

describe('U', () => {
  it('U147: an image that the list names and the server does not have', async () => {
    scene.world.server.intercept = (_request, response, path) => {
      if (path !== '/app/app_2.raw') return false;
      response.writeHead(404).end();
      return true;
    };
    await scene.suffer({
      exit: 10,
      message: /app_2\.raw: the server answered 404/,
      mend: () => {
        scene.world.server.intercept = undefined;
      },
    });
  });
});
