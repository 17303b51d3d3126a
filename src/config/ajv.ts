import { Ajv } from 'ajv';
import commonSchema from '../../schemas/common.schema.json' with { type: 'json' };
import packageSchema from '../../schemas/package.schema.json' with { type: 'json' };
import siteSchema from '../../schemas/site.schema.json' with { type: 'json' };
import { methodSchemas } from './schemas.generated.js';

let ajv: Ajv | undefined;

/**
 * ajv with every schema added, none compiled. Packages are validated one by one, after inheritance: the site's schema
 * leaves them alone.
 */
export function knownSchemas(): Ajv {
  if (ajv) return ajv;
  ajv = new Ajv({
    allErrors: true,
    verbose: true,
    messages: false,
    discriminator: true,
    strictRequired: false,
    strictTypes: false,
    strictTuples: false,
    allowUnionTypes: true,
    // A test does it.
    validateSchema: false,
    // The build keeps the source; optimizing it takes longer than it saves.
    code: { source: true, optimize: false },
  });
  for (const schema of [commonSchema, ...methodSchemas.values(), packageSchema]) ajv.addSchema(schema);
  ajv.addSchema({ ...siteSchema, properties: { ...siteSchema.properties, packages: { type: 'object' } } });
  return ajv;
}
