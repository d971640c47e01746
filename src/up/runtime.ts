/** The runtime of an instance, with the images that come with Fairlead. */
import { hasAppArmor, mayLowerOomScore } from "./containerd/facts.ts";
import { renderContainerd } from "./containerd/render.ts";
import type { UpContext } from "./context.ts";
import { writeWhole } from "../files/whole.ts";
import { importOwnImages, pauseImage } from "./images/own.ts";
import { awaitPart, containerdAnswers, startPart } from "./parts.ts";
import { runtimeEndpointOf } from "./settings.ts";

/** A machine with much else to do is slow, not broken, in ms. */
const containerdMs = 30_000;

export async function bringUpRuntime(context: UpContext): Promise<void> {
  const { instance, settings, progress, programs } = context;
  const endpoint = runtimeEndpointOf(instance, settings);
  if (settings.runtimeEndpoint === undefined) {
    await progress.step("containerd", () => bringUpContainerd(context));
  }
  await progress.step(
    "images",
    () => importOwnImages(instance, { endpoint }, programs.images),
    (count) => (count === 0 ? "all there" : `${count} imported`),
  );
}

async function bringUpContainerd(context: UpContext): Promise<void> {
  const { instance } = context;
  const facts = {
    mayLowerOomScore: await mayLowerOomScore(),
    hasAppArmor: await hasAppArmor(),
    sandboxImage: pauseImage,
  };
  await writeWhole(instance.containerd.config, renderContainerd(instance, facts), 0o600);
  startPart(context, "containerd");
  await awaitPart(instance, "containerd", () => containerdAnswers(instance), containerdMs);
}
