import { basename, dirname, relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Runs the tests that stand for the changed file first, then those of its room, then all others, small files before
 * large ones: the first test that fails ends a run.
 */
export class NearestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const [changed = ""] = this.ctx.config.related ?? [];
    const room = basename(dirname(changed));
    const ranked = files.map((file) => {
      const { moduleId } = file;
      const isOwn = basename(moduleId, ".test.ts") === basename(changed, ".ts");
      const isOfRoom = basename(dirname(moduleId)) === room;
      const { duration = 0 } = this.ctx.cache.getFileTestResults(
        `${file.project.name}:${relative(this.ctx.config.root, moduleId)}`,
      ) ?? {};
      return { file, rank: isOwn ? 0 : isOfRoom ? 1 : 2, duration };
    });
    return ranked.sort((a, b) => a.rank - b.rank || a.duration - b.duration).map(({ file }) => file);
  }
}
