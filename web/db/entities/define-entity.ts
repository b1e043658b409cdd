// How an entity is declared: a plain interface and explicit columns, no decorators. Used by
// entities/*.
import { EntitySchema, EntitySchemaOptions, type ObjectLiteral } from 'typeorm';

export function defineEntity<T extends ObjectLiteral>(
  options: Pick<EntitySchemaOptions<T>, 'name' | 'tableName' | 'columns'>,
): EntitySchema<T> {
  return new EntitySchema(Object.assign(new EntitySchemaOptions<T>(), options));
}
