using Exchange.Engine.Connectors;
using Fluid;
using Fluid.Ast;
using Fluid.Values;

namespace Exchange.Delivery.Templates;

/// <summary>Walks a parsed template for what it reads, and refuses what could not be checked before it is rendered.</summary>
internal sealed class TemplateReads : AstVisitor
{
    /// <summary>What may follow a whole name: of a list or text, not a value of its own.</summary>
    private static readonly string[] Members = ["size", "first", "last"];

    private readonly List<string> names = [];
    private readonly List<string> maps = [];
    private readonly HashSet<string> locals = new(StringComparer.Ordinal) { "forloop" };
    private bool collecting;

    public IReadOnlyList<string> Names => names;
    public IReadOnlyList<string> Maps => maps;
    /// <summary>The first thing that is wrong, as a sentence.</summary>
    public string? Error { get; private set; }

    public override IFluidTemplate VisitTemplate(IFluidTemplate template)
    {
        collecting = true;
        base.VisitTemplate(template);
        collecting = false;
        return base.VisitTemplate(template);
    }

    protected override Statement VisitAssignStatement(AssignStatement statement)
    {
        Local(statement.Identifier);
        return base.VisitAssignStatement(statement);
    }

    protected override Statement VisitCaptureStatement(CaptureStatement statement)
    {
        Local(statement.Identifier);
        return base.VisitCaptureStatement(statement);
    }

    protected override Statement VisitForStatement(ForStatement statement)
    {
        Local(statement.Identifier);
        return base.VisitForStatement(statement);
    }

    protected override Expression VisitRangeExpression(RangeExpression expression)
    {
        Error ??= "Templates know no ranges; a loop goes over a list, as consent.sellers.";
        return expression;
    }

    protected override Expression VisitFilterExpression(FilterExpression expression)
    {
        if (!collecting && !TemplateFilters.IsKnown(expression.Name)) Error ??= $"There is no filter {expression.Name}; there are {string.Join(", ", TemplateFilters.Names)}.";
        if (!collecting && expression.Name == "map")
        {
            // By name only, so that a map that is not there is found when the catalog is applied.
            if (expression.Parameters is [{ Name: null or "", Expression: LiteralExpression { Value: StringValue name } }]) Note(maps, name.ToStringValue());
            else Error ??= "`map` wants the name of a map in quotes, as map: 'owner'.";
        }
        return base.VisitFilterExpression(expression);
    }

    protected override Expression VisitMemberExpression(MemberExpression expression)
    {
        if (collecting) return expression;
        var parts = new List<string>();
        foreach (var segment in expression.Segments)
        {
            if (segment is IdentifierSegment identifier) parts.Add(identifier.Identifier);
            else
            {
                Error ??= "Names in templates are written with dots, as lead.zip.";
                return expression;
            }
        }
        if (locals.Contains(parts[0])) return expression;
        if (parts.Count > 3 || parts.Count == 3 && !Members.Contains(parts[2])) Error ??= $"There is nothing at `{string.Join('.', parts)}`; names have two parts, as lead.zip.";
        else Note(names, string.Join('.', parts.Take(2)));
        return expression;
    }

    private static void Note(List<string> list, string name)
    {
        if (!list.Contains(name)) list.Add(name);
    }

    private void Local(string name)
    {
        if (TemplateScope.Roots.Contains(name)) Error ??= $"`{name}` is given; call the variable something else.";
        locals.Add(name);
    }
}
