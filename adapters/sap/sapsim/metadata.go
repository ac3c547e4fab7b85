package sapsim

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// property of an entity, as the service's description has it: its type, and the length of a text.
type property struct {
	name, kind string
	length     int
}

func texts(length int, names ...string) (all []property) {
	for _, n := range names {
		all = append(all, property{n, "Edm.String", length})
	}
	return all
}

func of(kind string, names ...string) (all []property) {
	for _, n := range names {
		all = append(all, property{n, kind, 0})
	}
	return all
}

func join(lists ...[]property) (all []property) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// entities are what the simulator knows of the service; to is where its navigation properties lead, * is many.
var entities = []struct {
	name  string
	keys  []string
	props []property
	to    [][2]string
}{
	{
		"A_OutbDeliveryHeader", []string{"DeliveryDocument"}, join(
			texts(10, "DeliveryDocument", "ShipToParty"), texts(4, "DeliveryDocumentType", "ShippingPoint"), texts(1, "OverallGoodsMovementStatus", "OverallPickingStatus"),
			texts(2, "ShippingCondition", "DeliveryBlockReason"), texts(35, "DeliveryDocumentBySupplier"), of("Edm.Boolean", "CompleteDeliveryIsDefined"),
			of("Edm.DateTime", "ActualGoodsMovementDate", "LastChangeDate", "CreationDate", "PlannedGoodsIssueDate"), of("Edm.Time", "ActualGoodsMovementTime")),
		[][2]string{{"to_DeliveryDocumentItem", "A_OutbDeliveryItem*"}, {"to_DeliveryDocumentPartner", "A_OutbDeliveryPartner*"}},
	},
	{
		"A_OutbDeliveryItem", []string{"DeliveryDocument", "DeliveryDocumentItem"}, join(
			texts(10, "DeliveryDocument", "Batch", "ReferenceSDDocument"), texts(6, "DeliveryDocumentItem"), texts(40, "Material"), texts(4, "Plant", "StorageLocation"),
			texts(3, "BaseUnit", "DeliveryQuantityUnit"), texts(1, "PickingStatus", "GoodsMovementStatus", "IsNotGoodsMovementsRelevant"),
			of("Edm.Decimal", "ActualDeliveredQtyInBaseUnit", "ActualDeliveryQuantity", "OriginalDeliveryQuantity", "DeliveryToBaseQuantityNmrtr", "DeliveryToBaseQuantityDnmntr")),
		nil,
	},
	{
		"A_OutbDeliveryPartner", []string{"PartnerFunction", "SDDocument"}, join(texts(2, "PartnerFunction"), texts(10, "SDDocument", "Customer", "Supplier"), texts(6, "SDDocumentItem")),
		[][2]string{{"to_Address2", "A_OutbDeliveryAddress2"}},
	},
	{
		"A_OutbDeliveryAddress2", []string{"DeliveryDocument", "PartnerFunction"}, join(
			texts(10, "DeliveryDocument", "HouseNumber", "PostalCode"), texts(2, "PartnerFunction"), texts(40, "BusinessPartnerName1", "BusinessPartnerName2", "CityName"),
			texts(60, "StreetName"), texts(3, "Region", "Country"), texts(30, "PhoneNumber"), texts(241, "EmailAddress")),
		nil,
	},
}

// metadata is the service's description of itself (OData 2.0, CSDL), of what the simulator knows.
func (s *Sim) metadata(*http.Request) simhttp.Answer {
	var types, sets, links, linkSets strings.Builder
	const ns = "API_OUTBOUND_DELIVERY_SRV"
	for _, e := range entities {
		fmt.Fprintf(&types, `<EntityType Name="%sType"><Key>`, e.name)
		for _, k := range e.keys {
			fmt.Fprintf(&types, `<PropertyRef Name="%s"/>`, k)
		}
		types.WriteString("</Key>")
		for _, p := range e.props {
			fmt.Fprintf(&types, `<Property Name="%s" Type="%s"`, p.name, p.kind)
			switch p.kind {
			case "Edm.String":
				fmt.Fprintf(&types, ` MaxLength="%d"`, p.length)
			case "Edm.DateTime", "Edm.Time":
				types.WriteString(` Precision="0"`)
			case "Edm.Decimal":
				types.WriteString(` Precision="13" Scale="3"`)
			}
			types.WriteString("/>")
		}
		fmt.Fprintf(&sets, `<EntitySet Name="%s" EntityType="%s.%sType"/>`, e.name, ns, e.name)
		for _, to := range e.to {
			target, many := strings.CutSuffix(to[1], "*")
			name, mult := "assoc_"+e.name+"_"+to[0], "0..1"
			if many {
				mult = "*"
			}
			fmt.Fprintf(&types, `<NavigationProperty Name="%s" Relationship="%s.%s" FromRole="From" ToRole="To"/>`, to[0], ns, name)
			fmt.Fprintf(&links, `<Association Name="%s"><End Type="%s.%sType" Multiplicity="1" Role="From"/><End Type="%s.%sType" Multiplicity="%s" Role="To"/></Association>`,
				name, ns, e.name, ns, target, mult)
			fmt.Fprintf(&linkSets, `<AssociationSet Name="%sSet" Association="%s.%s"><End EntitySet="%s" Role="From"/><End EntitySet="%s" Role="To"/></AssociationSet>`,
				name, ns, name, e.name, target)
		}
		types.WriteString("</EntityType>")
	}
	var functions strings.Builder
	for _, f := range []struct {
		name   string
		params []property
	}{
		{"PickAllItems", texts(10, "DeliveryDocument")},
		{"PickOneItemWithBaseQuantity", join(texts(10, "DeliveryDocument"), texts(6, "DeliveryDocumentItem"), of("Edm.Decimal", "ActualDeliveredQtyInBaseUnit"), texts(3, "BaseUnit"))},
		{"PostGoodsIssue", texts(10, "DeliveryDocument")},
	} {
		fmt.Fprintf(&functions, `<FunctionImport Name="%s" ReturnType="Collection(%s.Return)" m:HttpMethod="POST">`, f.name, ns)
		for _, p := range f.params {
			fmt.Fprintf(&functions, `<Parameter Name="%s" Type="%s" Mode="In"`, p.name, p.kind)
			if p.kind == "Edm.Decimal" {
				functions.WriteString(` Precision="13" Scale="3"`)
			} else {
				fmt.Fprintf(&functions, ` MaxLength="%d"`, p.length)
			}
			functions.WriteString("/>")
		}
		functions.WriteString("</FunctionImport>")
	}
	var result strings.Builder
	for _, p := range texts(40, "DeliveryDocument", "DeliveryDocumentItem", "Material", "Batch", "DeliveryQuantityUnit", "SystemMessageType", "SystemMessageIdentification", "SystemMessageNumber") {
		fmt.Fprintf(&result, `<Property Name="%s" Type="%s" MaxLength="%d"/>`, p.name, p.kind, p.length)
	}
	return simhttp.Answer{
		Status: http.StatusOK, Type: "application/xml",
		Body: `<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">` +
			`<edmx:DataServices m:DataServiceVersion="2.0"><Schema Namespace="` + ns + `" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">` +
			types.String() + `<ComplexType Name="Return">` + result.String() + `</ComplexType>` + links.String() +
			`<EntityContainer Name="` + ns + `_Entities" m:IsDefaultEntityContainer="true">` + sets.String() + linkSets.String() + functions.String() +
			`</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`,
	}
}
