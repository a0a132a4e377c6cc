"""Build settings: what `--@rustc_hollow//bzl:NAME=VALUE` sets, and an attribute of the same name overrides for one target."""

ChoiceInfo = provider("The value of a setting.", fields = {"value": "One of its choices."})

def _choice_flag_impl(ctx):
    value = ctx.build_setting_value
    if value not in ctx.attr.choices:
        fail("--%s is `%s`: choose one of %s" % (ctx.label, value, ", ".join(ctx.attr.choices)))
    return [ChoiceInfo(value = value)]

choice_flag = rule(
    implementation = _choice_flag_impl,
    build_setting = config.string(flag = True),
    attrs = {"choices": attr.string_list(mandatory = True, doc = "The values it can have.")},
    doc = "A flag with a fixed set of values.",
)

def setting(ctx, name):
    """What holds for a target.

    Args:
      ctx: the rule context.
      name: of an attribute, and of the setting in bzl/ that holds where the attribute is empty.

    Returns:
      The value."""
    return getattr(ctx.attr, name, "") or getattr(ctx.attr, "_" + name)[ChoiceInfo].value
