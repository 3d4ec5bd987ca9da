#include "connectors/formats/avro/schema/derive.h"

#include "connectors/formats/avro/schema/schema.h"

#include <stdio.h>

#define NAME_MAX_BYTES 1024

typedef struct derive {
    bool is_legacy;
    mr_buffer *text;
    mr_error *err;
} derive;

static mr_status put_record(derive *d, const mr_field *fields, uint32_t count, const char *name,
                            bool is_top);

static const char *primitive(const derive *d, mr_type type)
{
    bool is_local = type.kind == MR_TYPE_TIMESTAMP && !d->is_legacy, is_fine = type.precision > 3;
    switch (type.kind) {
    case MR_TYPE_BOOLEAN: return "\"boolean\"";
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT: return "\"int\"";
    case MR_TYPE_BIGINT: return "\"long\"";
    case MR_TYPE_FLOAT: return "\"float\"";
    case MR_TYPE_DOUBLE: return "\"double\"";
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: return "\"string\"";
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return "\"bytes\"";
    case MR_TYPE_DATE: return "{\"type\":\"int\",\"logicalType\":\"date\"}";
    case MR_TYPE_TIME:
        return is_fine ? "{\"type\":\"long\",\"logicalType\":\"time-micros\"}"
                       : "{\"type\":\"int\",\"logicalType\":\"time-millis\"}";
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ:
        if (is_local)
            return is_fine ? "{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}"
                           : "{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}";
        return is_fine ? "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"
                       : "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}";
    default: return NULL;
    }
}

static mr_status put_type(derive *d, const mr_field *field, const char *name)
{
    char shown[MR_TYPE_NAME_MAX];
    mr_type type = field->type;
    if (type.kind == MR_TYPE_ROW && type.row != NULL)
        return put_record(d, type.row->fields, type.row->fields_count, name, false);
    if (type.kind == MR_TYPE_DECIMAL) {
        mr_buffer_printf(d->text,
                         "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":%u,"
                         "\"scale\":%u}",
                         type.precision, type.scale);
        return MR_OK;
    }
    const char *text = primitive(d, type);
    if (text == NULL)
        return mr_error_set(d->err, MR_E_SETTING, "avro cannot hold column `%s` of type %s",
                            field->name, mr_type_name(type, shown, sizeof shown));
    mr_buffer_printf(d->text, "%s", text);
    return MR_OK;
}

static mr_status put_field(derive *d, const mr_field *field, const char *record)
{
    char name[NAME_MAX_BYTES];
    if (!mr_avro_is_name(field->name, strlen(field->name)))
        return mr_error_set(d->err, MR_E_SETTING,
                            "avro cannot hold column `%s`: its name may have letters, digits and _ "
                            "only",
                            field->name);
    if (snprintf(name, sizeof name, "%s_%s", record, field->name) >= (int)sizeof name)
        return mr_error_set(d->err, MR_E_SETTING, "avro: column `%.80s..`: its name is too long",
                            field->name);
    mr_buffer_printf(d->text, "{\"name\":\"%s\",\"type\":%s", field->name,
                     field->type.is_nullable ? "[\"null\"," : "");
    mr_status status = put_type(d, field, name);
    mr_buffer_printf(d->text, "%s}", field->type.is_nullable ? "],\"default\":null" : "");
    return status;
}

static mr_status put_record(derive *d, const mr_field *fields, uint32_t count, const char *name,
                            bool is_top)
{
    mr_status status = MR_OK;
    mr_buffer_printf(d->text, "{\"type\":\"record\",\"name\":\"%s\",%s\"fields\":[", name,
                     is_top ? "\"namespace\":\"org.apache.flink.avro.generated\"," : "");
    for (uint32_t i = 0; i < count && status == MR_OK; i++) {
        if (i > 0)
            mr_buffer_put(d->text, ",", 1);
        status = put_field(d, &fields[i], name);
    }
    mr_buffer_put(d->text, "]}", 2);
    return status;
}

mr_status mr_avro_derive(const mr_field *fields, uint32_t count, bool is_legacy, mr_buffer *text,
                         mr_error *err)
{
    derive d = {.is_legacy = is_legacy, .text = text, .err = err};
    return put_record(&d, fields, count, "record", true);
}
